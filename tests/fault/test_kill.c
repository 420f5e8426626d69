// SPDX-License-Identifier: Apache-2.0
/* A writer is killed at random moments, again and again; after each kill the store is opened, compared and gone on with.
 * SHEAF_TEST_KILLS: kills for each format and cadence (default 6). SHEAF_TEST_SEED: of the moments. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "fault/faults.h"

enum { MOST_KILLS = 10 };

typedef struct kill_progress {
    volatile uint64_t committed, appended;
} kill_progress;

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

/* One more trajectory at a time, for ever; told is what commit has returned for. */
static sheaf_status write_on(size_t format, const char *path, uint64_t commit_rows, kill_progress *progress, sheaf_error *err)
{
    sheaf_store_options options = quiet_options(format);
    options.n_threads = 1;
    if (!commit_rows) options.commit_interval_ms = 5;
    options.checkpoint_interval_ms = 15;
    sheaf_store *store = NULL;
    uint64_t n;
    sheaf_status status = sheaf_store_open_append(path, &options, &store, err);
    if (status == SHEAF_OK) status = sheaf_store_appended(store, "trajectory", &n, err);
    while (status == SHEAF_OK) {
        int64_t id;
        float assets[24];
        double loss;
        fill_rows(SHEAF_I64, n, 1, 1, &id);
        fill_rows(SHEAF_F32, n, 1, 24, assets);
        fill_rows(SHEAF_F64, n, 1, 1, &loss);
        /* Both tables together, whatever the timer. */
        status = sheaf_store_hold(store, err);
        if (status == SHEAF_OK) status = sheaf_store_append(store, "trajectory", 1, (const void *[]){&id, assets}, NULL, err);
        if (status == SHEAF_OK) status = sheaf_store_append(store, "event", 1, (const void *[]){&loss}, NULL, err);
        if (status == SHEAF_OK) status = sheaf_store_release(store, err);
        progress->appended = ++n;
        if (status == SHEAF_OK && commit_rows && n % commit_rows == 0) {
            status = sheaf_store_commit(store, err);
            progress->committed = n;
        } else if (status == SHEAF_OK && !commit_rows && n % 64 == 0) {
            uint64_t length; /* what the timer committed */
            status = sheaf_store_length(store, "event", &length, err);
            progress->committed = length;
        }
    }
    return status;
}

static void expect_equal_and_whole(size_t format, const char *path, const kill_progress *progress)
{
    sheaf_error err;
    sheaf_store_options options = quiet_options(format);
    for (int pass = 0; pass < 2; pass++) {
        sheaf_store *store = NULL;
        uint64_t trajectories, events;
        expect_ok(pass ? sheaf_store_open_append(path, &options, &store, &err) : sheaf_store_open(path, NULL, &store, &err));
        expect_ok(sheaf_store_length(store, "trajectory", &trajectories, &err));
        expect_ok(sheaf_store_length(store, "event", &events, &err));
        assert_int_equal(trajectories, events);
        if (trajectories < progress->committed || events < progress->committed || trajectories > progress->appended + 1)
            fail_msg("%s: committed %llu, appended %llu, there are %llu and %llu", path, (unsigned long long)progress->committed,
                     (unsigned long long)progress->appended, (unsigned long long)trajectories, (unsigned long long)events);
        expect_run(store, trajectories, events);
        expect_ok(sheaf_store_close(&store, &err));
    }
}

static void expect_undamaged(const char *path)
{
    sheaf_error err;
    uint64_t n_damaged;
    expect_ok(sheaf_store_verify(path, NULL, NULL, &n_damaged, &err));
    assert_int_equal(n_damaged, 0);
}

static void kill_again_and_again(size_t format, uint64_t commit_rows, uint64_t kills, uint64_t *random, kill_progress *shared)
{
    sheaf_error err;
    test_folder folder;
    char path[512];
    folder_make(&folder);
    store_path(&folder, format, "kill", path, sizeof path);
    sheaf_store_options options = quiet_options(format);
    sheaf_schema *schema = run_schema(&err);
    sheaf_store *store = NULL;
    expect_ok(sheaf_store_create(path, schema, &options, &store, &err));
    expect_ok(sheaf_store_close(&store, &err));
    sheaf_schema_free(&schema);
    for (uint64_t i = 0; i < kills; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            sheaf_status status = write_on(format, path, commit_rows, shared, &err);
            fprintf(stderr, "the writer ended: %s: %s\n", sheaf_status_name(status), err.message);
            _exit(1);
        }
        *random = *random * 6364136223846793005u + 1442695040888963407u;
        nanosleep(&(struct timespec){.tv_nsec = (long)((*random >> 33) % 60000000) + 1000000}, NULL);
        kill(child, SIGKILL);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        expect_equal_and_whole(format, path, shared);
        expect_undamaged(path);
    }
    folder_remove(&folder);
}

/* A store is checked as a whole after each kill, so that a new one is begun before it is large. */
static void kill_in_batches(size_t format, uint64_t commit_rows, uint64_t kills, uint64_t *random, kill_progress *shared)
{
    uint64_t committed = 0;
    for (uint64_t left = kills; left > 0;) {
        uint64_t batch = left < MOST_KILLS ? left : MOST_KILLS;
        memset((void *)(uintptr_t)shared, 0, sizeof *shared);
        kill_again_and_again(format, commit_rows, batch, random, shared);
        committed += shared->committed;
        left -= batch;
    }
    printf("%s, a commit %s: %llu kills, %llu trajectories, none lost\n", sheaf_format_name(format),
           commit_rows == 1   ? "every record"
           : commit_rows == 8 ? "every 8 records"
           : commit_rows      ? "every 1,000 records"
                              : "by the timer",
           (unsigned long long)kills, (unsigned long long)committed);
    (void)fflush(stdout); /* before the next fork, and for who waits */
}

static void random_kills_lose_nothing_committed(void **state)
{
    (void)state;
    static const uint64_t cadences[] = {1, 8, 1000, 0};
    uint64_t kills = number_from("SHEAF_TEST_KILLS", 6), random = number_from("SHEAF_TEST_SEED", 1);
    kill_progress *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    for (size_t f = 0; sheaf_format_name(f); f++) {
        for (size_t c = 0; c < 4 && !is_mem(f); c++) kill_in_batches(f, cadences[c], kills, &random, shared);
    }
    munmap(shared, sizeof *shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_kills_lose_nothing_committed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
