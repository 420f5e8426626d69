// SPDX-License-Identifier: Apache-2.0
/* A writer and readers in other processes: no reader ever sees a torn or shrinking table, and what a commit said shows soon.
 * SHEAF_TEST_SECONDS: how long for each format and each cut into chunks (default 1); SHEAF_TEST_READERS (default 2); SHEAF_TEST_POLL_MS (default 10);
 * SHEAF_TEST_CHECKPOINT_MS (default 300: more often than any user would, the library's default is 10,000); SHEAF_TEST_PAUSE_US (default 200): what the
 * writer computes between its commits. */
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "base/clock.h"
#include "fault/faults.h"

enum { MAX_READERS = 8, MAX_COMMITS = 1 << 23, MAX_SAMPLES = 1 << 16 };

typedef struct follow_shared {
    volatile uint64_t stop, n_commits;
    volatile uint64_t paused;                       /* readers do not poll: what the writer takes by itself is measured */
    uint64_t busy_ns[2], n_busy[2];                 /* of the writer's calls, readers polling [0] and paused [1] */
    volatile uint64_t committed_at_ns[MAX_COMMITS]; /* of the k-th commit: when it returned; it holds 8 records more */
    volatile uint64_t n_polls[MAX_READERS], n_samples[MAX_READERS], cpu_us[MAX_READERS];
    volatile uint64_t latency_ns[MAX_READERS][MAX_SAMPLES];
} follow_shared;

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text ? strtoull(text, NULL, 10) : otherwise;
}

static uint64_t cpu_us(void)
{
    struct rusage used;
    assert_int_equal(getrusage(RUSAGE_SELF, &used), 0);
    return (uint64_t)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1000000u + (uint64_t)(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

/* Checks the newest 200 rows of each array at every poll; notes how long after its commit the newest one was seen. */
static void read_along(const char *path, follow_shared *shared, size_t me)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    uint64_t before = 0, poll_ns = number_from("SHEAF_TEST_POLL_MS", 10) * 1000000;
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    for (bool last = false; !last; shared->n_polls[me]++) {
        while (shared->paused && !shared->stop) nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
        uint64_t n, events, known = shared->n_commits, peeked[2];
        float assets[200 * 24], want[200 * 24];
        double loss[200];
        last = shared->stop;
        expect_ok(sheaf_store_peek(store, peeked, &err));
        assert_true(peeked[0] == peeked[1] && peeked[0] >= before && peeked[0] >= known * 8);
        expect_ok(sheaf_store_refresh(store, NULL, &err));
        uint64_t now = shf_clock_ns();
        expect_ok(sheaf_store_length(store, "trajectory", &n, &err));
        expect_ok(sheaf_store_length(store, "event", &events, &err));
        assert_int_equal(n, events);
        assert_true(n >= peeked[0]);
        if (n > before && n % 8 == 0 && n / 8 <= MAX_COMMITS && shared->n_samples[me] < MAX_SAMPLES) {
            uint64_t at = shared->committed_at_ns[n / 8 - 1];
            if (at) shared->latency_ns[me][shared->n_samples[me]++] = now > at ? now - at : 0;
        }
        uint64_t from = n > 200 ? n - 200 : 0;
        const sheaf_selection axes[2] = {sheaf_select_range(from, n, 1), sheaf_select_all()};
        expect_ok(sheaf_store_read(store, "assets", axes, assets, (n - from) * 24 * 4, &err));
        expect_ok(sheaf_store_read(store, "loss", axes, loss, (n - from) * 8, &err));
        fill_rows(SHEAF_F32, from, n - from, 24, want);
        assert_memory_equal(assets, want, (n - from) * 24 * 4);
        before = n;
        nanosleep(&(struct timespec){.tv_sec = (time_t)(poll_ns / 1000000000), .tv_nsec = (long)(poll_ns % 1000000000)}, NULL);
    }
    shared->cpu_us[me] = cpu_us();
    expect_run(store, before, before);
    expect_ok(sheaf_store_close(&store, &err));
}

/* Of each 750 ms the readers pause 250. */
static void count_busy(follow_shared *shared, uint64_t since_ns, uint64_t begun_ns, uint64_t ended_ns)
{
    uint64_t slice = (ended_ns - since_ns) / 250000000 % 3;
    bool paused = slice == 2;
    if (shared->paused == paused) {
        shared->busy_ns[paused] += ended_ns - begun_ns;
        shared->n_busy[paused]++;
    }
    shared->paused = paused;
}

static void write_along(sheaf_store *store, follow_shared *shared, uint64_t seconds)
{
    sheaf_error err;
    static int64_t id[8];
    static float assets[8 * 24];
    static double loss[8];
    uint64_t pause_us = number_from("SHEAF_TEST_PAUSE_US", 200);
    uint64_t since = shf_clock_ns(), end = since + seconds * 1000000000u, n = 0;
    while (shf_clock_ns() < end && shared->n_commits < MAX_COMMITS) {
        fill_rows(SHEAF_I64, n, 8, 1, id);
        fill_rows(SHEAF_F32, n, 8, 24, assets);
        fill_rows(SHEAF_F64, n, 8, 1, loss);
        uint64_t begun = shf_clock_ns();
        expect_ok(sheaf_store_append(store, "trajectory", 8, (const void *[]){id, assets}, NULL, &err));
        expect_ok(sheaf_store_append(store, "event", 8, (const void *[]){loss}, NULL, &err));
        expect_ok(sheaf_store_commit(store, &err));
        uint64_t ended = shf_clock_ns();
        count_busy(shared, since, begun, ended);
        shared->committed_at_ns[shared->n_commits] = ended;
        shared->n_commits++;
        n += 8;
        if (pause_us) nanosleep(&(struct timespec){.tv_nsec = (long)pause_us * 1000}, NULL);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void tell(size_t format, const char *chunks, const follow_shared *shared, size_t n_readers)
{
    static uint64_t all[MAX_READERS * MAX_SAMPLES];
    size_t n = 0;
    uint64_t polls = 0, cpu = 0;
    for (size_t r = 0; r < n_readers; r++) {
        polls += shared->n_polls[r];
        cpu += shared->cpu_us[r];
        for (uint64_t i = 0; i < shared->n_samples[r]; i++) all[n++] = shared->latency_ns[r][i];
    }
    qsort(all, n, sizeof *all, by_value);
    double followed = (double)shared->busy_ns[0] / (double)(shared->n_busy[0] + 1);
    double alone = (double)shared->busy_ns[1] / (double)(shared->n_busy[1] + 1);
    printf("%s, %s: %llu commits, %llu polls by %zu readers, none torn, %.2f ms of processor each; commit to visible: median %.3f ms, 99 "
           "%% %.3f ms; "
           "the writer's time for a commit: %.1f us followed, %.1f us alone\n",
           sheaf_format_name(format), chunks, (unsigned long long)shared->n_commits, (unsigned long long)polls, n_readers,
           (double)cpu * 1e-3 / (double)polls, n ? (double)all[n / 2] * 1e-6 : 0.0, n ? (double)all[n - 1 - n / 100] * 1e-6 : 0.0,
           followed * 1e-3, alone * 1e-3);
}

/* As in run_schema, but cut into chunks by the library. */
static sheaf_schema *plain_schema(sheaf_error *err)
{
    static const char *const t[] = {"trajectory", "x"}, *const e[] = {"event"};
    const sheaf_array_spec specs[] = {sheaf_array_spec_init("trajectory", SHEAF_I64, 1, t),
                                      sheaf_array_spec_init("assets", SHEAF_F32, 2, t), sheaf_array_spec_init("loss", SHEAF_F64, 1, e)};
    sheaf_schema *schema = NULL;
    if (sheaf_schema_create(&schema, err)) return NULL;
    sheaf_status status = sheaf_schema_add_dimension(schema, "trajectory", SHEAF_GROWS, err);
    if (status == SHEAF_OK) status = sheaf_schema_add_dimension(schema, "event", SHEAF_GROWS, err);
    if (status == SHEAF_OK) status = sheaf_schema_add_dimension(schema, "x", 24, err);
    for (size_t i = 0; i < sizeof specs / sizeof specs[0] && status == SHEAF_OK; i++)
        status = sheaf_schema_add_array(schema, &specs[i], err);
    if (status != SHEAF_OK) sheaf_schema_free(&schema);
    return schema;
}

static void follow_format(size_t format, bool small_chunks, follow_shared *shared, size_t n_readers, uint64_t seconds)
{
    sheaf_error err;
    test_folder folder;
    char path[512];
    pid_t readers[MAX_READERS];
    folder_make(&folder);
    store_path(&folder, format, "follow", path, sizeof path);
    sheaf_store_options options = quiet_options(format);
    options.checkpoint_interval_ms = number_from("SHEAF_TEST_CHECKPOINT_MS", 300);
    sheaf_schema *schema = small_chunks ? run_schema(&err) : plain_schema(&err);
    sheaf_store *store = NULL;
    /* Readers first: a child must not carry the writer's threads. */
    expect_ok(sheaf_store_create(path, schema, &options, &store, &err));
    expect_ok(sheaf_store_close(&store, &err));
    sheaf_schema_free(&schema);
    for (size_t r = 0; r < n_readers; r++) {
        readers[r] = fork();
        assert_true(readers[r] >= 0);
        if (readers[r] == 0) {
            read_along(path, shared, r);
            _exit(0);
        }
    }
    expect_ok(sheaf_store_open_append(path, &options, &store, &err));
    write_along(store, shared, seconds);
    expect_ok(sheaf_store_close(&store, &err));
    shared->stop = 1;
    for (size_t r = 0; r < n_readers; r++) {
        int how;
        assert_int_equal(waitpid(readers[r], &how, 0), readers[r]);
        assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    }
    tell(format, small_chunks ? "small chunks" : "the library's chunks", shared, n_readers);
    folder_remove(&folder);
}

static void follow_each_format(bool small_chunks)
{
    uint64_t seconds = number_from("SHEAF_TEST_SECONDS", 1), n_readers = number_from("SHEAF_TEST_READERS", 2);
    if (n_readers > MAX_READERS) n_readers = MAX_READERS;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        follow_shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        assert_ptr_not_equal(shared, MAP_FAILED);
        follow_format(f, small_chunks, shared, (size_t)n_readers, seconds);
        munmap(shared, sizeof *shared);
    }
}

static void readers_see_whole_commits_only(void **state)
{
    (void)state;
    follow_each_format(false);
}

static void readers_see_whole_commits_only_of_many_small_chunks(void **state)
{
    (void)state;
    follow_each_format(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(readers_see_whole_commits_only),
        cmocka_unit_test(readers_see_whole_commits_only_of_many_small_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
