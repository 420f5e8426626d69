// SPDX-License-Identifier: Apache-2.0
/* Making, replacing and removing a store: a failure or a kill at any call leaves nothing, the old store or the new one, each whole; several who make
 * the same store at once; file systems that cannot exchange names. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fault/faults.h"

enum { KILL = -2, OLD_STEPS = 3 };
/* What lies at the path before. */
typedef enum before { NOTHING, CLOSED, CRASHED, N_BEFORE } before;
static const char *const BEFORE_NAMES[] = {"nothing there", "replacing a closed store", "replacing one whose writer was killed"};

typedef struct plan {
    uint64_t at, seen; /* the call that is hit (0: none); calls so far */
    int what;          /* errno or KILL */
    bool plain;        /* the file system knows no flags of renames */
    const char *path;
    uint64_t renames;
} plan;

static int hit(void *context, const shf_io_call *call)
{
    plan *p = context;
    if (++p->seen == p->at) {
        if (p->what == KILL) kill(getpid(), SIGKILL);
        return p->what;
    }
    /* The first try to give a store its name is the one with flags. */
    if (p->plain && call->op == SHF_IO_RENAME && !strcmp(call->path2, p->path) && p->renames++ == 0) return EINVAL;
    return 0;
}

static sheaf_status make(size_t format, const char *path, bool replace, bool sync, sheaf_store **out, sheaf_error *err)
{
    sheaf_store_options options = quiet_options(format);
    options.n_threads = 0;
    options.sync = sync;
    if (replace) options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    sheaf_schema *schema = run_schema(err);
    if (!schema) return SHEAF_ERR_MEMORY;
    sheaf_status status = sheaf_store_create(path, schema, &options, out, err);
    sheaf_schema_free(&schema);
    return status;
}

static void fill_old(size_t format, const char *path, bool closed)
{
    static int64_t id[128];
    static float assets[128 * 24];
    static double loss[450];
    sheaf_store *store;
    sheaf_error err;
    expect_ok(make(format, path, false, false, &store, &err));
    for (int step = 0; step < OLD_STEPS; step++) {
        uint64_t row = run_trajectories(step), n = run_trajectories(step + 1) - row;
        fill_rows(SHEAF_I64, row, n, 1, id);
        fill_rows(SHEAF_F32, row, n, 24, assets);
        fill_rows(SHEAF_F64, run_events(step), 450, 1, loss);
        expect_ok(sheaf_store_append(store, "trajectory", n, (const void *[]){id, assets}, NULL, &err));
        expect_ok(sheaf_store_append(store, "event", 450, (const void *[]){loss}, NULL, &err));
        expect_ok(sheaf_store_commit(store, &err));
    }
    if (closed) expect_ok(sheaf_store_close(&store, &err));
}

static void prepare(size_t format, const char *folder, const char *path, before what)
{
    sheaf_error err;
    expect_ok(shf_path_remove_tree(folder, &err));
    expect_ok(shf_path_mkdir(folder, &err));
    if (what == CLOSED) fill_old(format, path, true);
    if (what != CRASHED) return;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        fill_old(format, path, false);
        kill(getpid(), SIGKILL);
    }
    int how;
    assert_int_equal(waitpid(child, &how, 0), child);
    assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
}

/* "absent", "old" or "new"; a failure for anything else. */
static const char *look(const char *path, bool append)
{
    sheaf_error err;
    shf_path_kind kind;
    expect_ok(shf_path_stat(path, &kind, NULL, &err));
    if (kind == SHF_PATH_NONE) return "absent";
    sheaf_store *store = NULL;
    uint64_t trajectories, events;
    expect_ok(append ? sheaf_store_open_append(path, NULL, &store, &err) : sheaf_store_open(path, NULL, &store, &err));
    expect_ok(sheaf_store_length(store, "trajectory", &trajectories, &err));
    expect_ok(sheaf_store_length(store, "event", &events, &err));
    bool old = trajectories == run_trajectories(OLD_STEPS) && events == run_events(OLD_STEPS);
    if (!old && (trajectories || events))
        fail_msg("%s: %llu and %llu records", path, (unsigned long long)trajectories, (unsigned long long)events);
    expect_run(store, trajectories, events);
    expect_ok(sheaf_store_close(&store, &err));
    return old ? "old" : "new";
}

static sheaf_status check_entry(void *context, const char *name, sheaf_error *err)
{
    (void)err;
    if (strcmp(name, shf_path_base(context)) != 0) fail_msg("%s was left beside %s", name, (const char *)context);
    return SHEAF_OK;
}

static void expect_alone(const char *folder, char *path)
{
    sheaf_error err;
    expect_ok(shf_path_list(folder, check_entry, path, &err));
}

/* The next one can make the store, and clears away what is left. */
static void make_again(size_t format, const char *folder, char *path)
{
    sheaf_store *store = NULL;
    sheaf_error err;
    expect_ok(make(format, path, true, false, &store, &err));
    expect_ok(sheaf_store_close(&store, &err));
    assert_string_equal(look(path, false), "new");
    expect_alone(folder, path);
}

static sheaf_status attempt(size_t format, const char *path, before what, plan *p, bool sync, sheaf_error *err)
{
    sheaf_store *store = NULL;
    p->path = path;
    shf_io_set_hook(hit, p);
    sheaf_status status = make(format, path, what != NOTHING, sync, &store, err);
    shf_io_set_hook(NULL, NULL);
    return status == SHEAF_OK ? sheaf_store_close(&store, err) : status;
}

static uint64_t count(size_t format, const char *folder, const char *path, before what, bool plain)
{
    sheaf_error err;
    plan p = {.plain = plain};
    prepare(format, folder, path, what);
    expect_ok(attempt(format, path, what, &p, true, &err));
    if (plain) assert_true(p.renames > 0);
    return p.seen;
}

static void kill_at_each_call(size_t format, before what, bool plain)
{
    test_folder folder;
    char path[512];
    uint64_t seen[3] = {0};
    folder_make(&folder);
    store_path(&folder, format, "made", path, sizeof path);
    uint64_t calls = count(format, folder.path, path, what, plain);
    for (uint64_t at = 1; at <= calls; at += run_stride()) {
        prepare(format, folder.path, path, what);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            sheaf_error err;
            plan p = {.at = at, .what = KILL, .plain = plain};
            _exit(attempt(format, path, what, &p, true, &err) == SHEAF_OK ? 0 : 1);
        }
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
        const char *is = look(path, false);
        assert_string_equal(look(path, true), is);
        seen[is[0] == 'a' ? 0 : is[0] == 'o' ? 1 : 2]++;
        if (what == NOTHING) assert_true(is[0] != 'o');
        if (what != NOTHING && !plain) assert_true(is[0] != 'a');
        make_again(format, folder.path, path);
    }
    printf("%s, %s%s: killed at each of %llu calls: absent %llu, old and whole %llu, new and whole %llu\n", sheaf_format_name(format),
           BEFORE_NAMES[what], plain ? ", plain renames" : "", (unsigned long long)calls, (unsigned long long)seen[0],
           (unsigned long long)seen[1], (unsigned long long)seen[2]);
    folder_remove(&folder);
}

static void a_kill_leaves_nothing_or_a_whole_store(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++)
        for (int what = NOTHING; !is_mem(f) && what < N_BEFORE; what++)
            for (int plain = 0; plain < 2; plain++) kill_at_each_call(f, (before)what, plain);
}

static void fail_at_each_call(size_t format, before what, int code)
{
    test_folder folder;
    char path[512];
    uint64_t failed = 0;
    folder_make(&folder);
    store_path(&folder, format, "made", path, sizeof path);
    uint64_t calls = count(format, folder.path, path, what, false);
    for (uint64_t at = 1; at <= calls; at += run_stride()) {
        sheaf_error err = {0};
        plan p = {.at = at, .what = code};
        prepare(format, folder.path, path, what);
        sheaf_status status = attempt(format, path, what, &p, true, &err);
        const char *is = look(path, false);
        if (status == SHEAF_OK) {
            assert_string_equal(is, "new");
        } else {
            failed++;
            assert_true(err.message[0] != '\0');
            assert_string_equal(is, what == NOTHING ? "absent" : "old");
        }
        make_again(format, folder.path, path);
    }
    printf("%s, %s: %llu calls, each failed once: %llu errors, each left what was there\n", sheaf_format_name(format), BEFORE_NAMES[what],
           (unsigned long long)calls, (unsigned long long)failed);
    assert_true(failed > calls / run_stride() / 2);
    folder_remove(&folder);
}

static void a_failure_leaves_what_was_there(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++)
        for (int what = NOTHING; !is_mem(f) && what < N_BEFORE; what++) fail_at_each_call(f, (before)what, EIO);
}

static void one_of_many_makes_it(void **state)
{
    (void)state;
    enum { RACERS = 4, ROUNDS = 12 };
    volatile int *go = mmap(NULL, sizeof *go, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(go, MAP_FAILED);
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        for (int round = 0; round < ROUNDS; round++) {
            test_folder folder;
            char path[512];
            pid_t racers[RACERS];
            int won = 0, lost = 0;
            folder_make(&folder);
            store_path(&folder, f, "made", path, sizeof path);
            *go = 0;
            for (int i = 0; i < RACERS; i++) {
                racers[i] = fork();
                assert_true(racers[i] >= 0);
                if (racers[i]) continue;
                sheaf_store *store = NULL;
                sheaf_error err;
                while (!*go) usleep(100);
                sheaf_status status = make(f, path, false, false, &store, &err);
                if (status == SHEAF_OK) status = sheaf_store_close(&store, &err) == SHEAF_OK ? SHEAF_OK : SHEAF_ERR_STATE;
                if (status != SHEAF_OK && status != SHEAF_ERR_EXISTS) fprintf(stderr, "%s\n", err.message);
                _exit(status == SHEAF_OK ? 0 : status == SHEAF_ERR_EXISTS ? 1 : 2);
            }
            *go = 1;
            for (int i = 0; i < RACERS; i++) {
                int how;
                assert_int_equal(waitpid(racers[i], &how, 0), racers[i]);
                assert_true(WIFEXITED(how));
                won += WEXITSTATUS(how) == 0;
                lost += WEXITSTATUS(how) == 1;
            }
            assert_int_equal(won, 1);
            assert_int_equal(lost, RACERS - 1);
            assert_string_equal(look(path, false), "new");
            expect_alone(folder.path, path);
            folder_remove(&folder);
        }
    }
}

/* Stops the maker at one call until it may go on. */
typedef struct pause {
    volatile int reached, go_on;
    uint64_t at, seen;
} pause_plan;

static int wait_there(void *context, const shf_io_call *call)
{
    (void)call;
    pause_plan *p = context;
    if (++p->seen != p->at) return 0;
    p->reached = 1;
    while (!p->go_on) usleep(100);
    return 0;
}

static void who_is_at_work_is_not_disturbed(void **state)
{
    (void)state;
    pause_plan *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        test_folder folder;
        char path[512];
        sheaf_error err;
        sheaf_store *store = NULL;
        folder_make(&folder);
        store_path(&folder, f, "made", path, sizeof path);
        uint64_t calls = count(f, folder.path, path, NOTHING, false);
        expect_ok(sheaf_store_remove(path, &err));
        *shared = (pause_plan){.at = calls / 2};
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            shf_io_set_hook(wait_there, shared);
            sheaf_status status = make(f, path, false, true, &store, &err);
            shf_io_set_hook(NULL, NULL);
            if (status == SHEAF_OK) status = sheaf_store_close(&store, &err);
            _exit(status == SHEAF_OK ? 0 : 1);
        }
        while (!shared->reached) usleep(100);
        assert_int_equal(make(f, path, true, false, &store, &err), SHEAF_ERR_EXISTS);
        assert_non_null(strstr(err.message, "just being made"));
        shared->go_on = 1;
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
        assert_string_equal(look(path, true), "new");
        expect_alone(folder.path, path);
        folder_remove(&folder);
    }
}

static void a_removal_that_is_killed_leaves_no_half_store(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        test_folder folder;
        char path[512];
        sheaf_error err;
        folder_make(&folder);
        store_path(&folder, f, "made", path, sizeof path);
        plan p = {0};
        prepare(f, folder.path, path, CLOSED);
        shf_io_set_hook(hit, &p);
        expect_ok(sheaf_store_remove(path, &err));
        shf_io_set_hook(NULL, NULL);
        for (uint64_t at = 1; at <= p.seen; at += run_stride()) {
            prepare(f, folder.path, path, CLOSED);
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                plan k = {.at = at, .what = KILL};
                shf_io_set_hook(hit, &k);
                _exit(sheaf_store_remove(path, &err) == SHEAF_OK ? 0 : 1);
            }
            int how;
            assert_int_equal(waitpid(child, &how, 0), child);
            assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
            assert_true(look(path, false)[0] != 'n');
            make_again(f, folder.path, path);
        }
        folder_remove(&folder);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kill_leaves_nothing_or_a_whole_store),
        cmocka_unit_test(a_failure_leaves_what_was_there),
        cmocka_unit_test(one_of_many_makes_it),
        cmocka_unit_test(who_is_at_work_is_not_disturbed),
        cmocka_unit_test(a_removal_that_is_killed_leaves_no_half_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
