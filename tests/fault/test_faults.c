// SPDX-License-Identifier: Apache-2.0
/* Every system call of a small run fails or is cut short in turn; every allocation fails in turn; the process is killed at every call. */
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "fault/faults.h"

typedef struct fault_plan {
    uint64_t at;   /* the call that is hit (1 = the first) */
    int what;      /* errno, SHF_IO_SHORT, or KILL */
    bool sticky;   /* all later writes too (a full disk) */
    uint64_t seen; /* calls so far */
} fault_plan;

#define KILL (-2)

static int hit(void *context, const shf_io_call *call)
{
    fault_plan *plan = context;
    uint64_t n = ++plan->seen;
    if (!plan->at || n < plan->at || (n > plan->at && !plan->sticky)) return 0;
    if (plan->what == KILL) kill(getpid(), SIGKILL);
    /* What never waits is not interrupted; only reads and writes can be short; a full disk hits what takes space. */
    if (plan->what == SHF_IO_SHORT && call->op != SHF_IO_READ && call->op != SHF_IO_WRITE) return 0;
    if (plan->what == ENOSPC && call->op != SHF_IO_WRITE && call->op != SHF_IO_OPEN && call->op != SHF_IO_MKDIR &&
        call->op != SHF_IO_RENAME)
        return 0;
    return plan->what;
}

static uint64_t count_calls(size_t format, const char *path)
{
    sheaf_error err;
    run_progress progress = {0};
    fault_plan plan = {0};
    shf_io_set_hook(hit, &plan);
    expect_ok(run_steps(format, path, &progress, &err));
    shf_io_set_hook(NULL, NULL);
    assert_int_equal(progress.steps_done, RUN_STEPS);
    return plan.seen;
}

static void fail_each_call(size_t format, int what, const char *name, bool sticky)
{
    test_folder folder;
    char path[512];
    folder_make(&folder);
    store_path(&folder, format, "run", path, sizeof path);
    uint64_t calls = count_calls(format, path), failed = 0;
    for (uint64_t at = 1; at <= calls; at += run_stride()) {
        sheaf_error err = {0};
        run_progress progress = {0};
        fault_plan plan = {.at = at, .what = what, .sticky = sticky};
        expect_ok(shf_path_remove_tree(folder.path, &err));
        expect_ok(shf_path_mkdir(folder.path, &err));
        shf_io_set_hook(hit, &plan);
        sheaf_status status = run_steps(format, path, &progress, &err);
        shf_io_set_hook(NULL, NULL);
        /* An interrupted or shortened call goes on by itself. */
        if (what == EINTR || what == SHF_IO_SHORT) expect_ok(status);
        if (status != SHEAF_OK) {
            failed++;
            assert_true(err.message[0] != '\0');
        }
        expect_survived(format, path, &progress);
    }
    printf("%s: %llu calls, each once with %s: %llu runs failed with an error, nothing committed was lost\n", sheaf_format_name(format),
           (unsigned long long)calls, name, (unsigned long long)failed);
    if (what > 0 && what != EINTR) assert_true(failed > calls / run_stride() / 8);
    folder_remove(&folder);
}

static void each_failing_call_is_told_and_loses_nothing(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        fail_each_call(f, EIO, "EIO", false);
        fail_each_call(f, ENOSPC, "ENOSPC from then on", true);
    }
}

static void interrupted_and_short_calls_go_on(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        fail_each_call(f, EINTR, "EINTR", false);
        fail_each_call(f, SHF_IO_SHORT, "half of it done", false);
    }
}

/* Runs in a new folder while the at-th allocation fails; how many were asked for. */
static uint64_t fail_allocation(size_t format, uint64_t at, int sticky, sheaf_status *status)
{
    sheaf_error err = {0};
    run_progress progress = {0};
    test_folder folder;
    char path[512];
    folder_make(&folder);
    store_path(&folder, format, "run", path, sizeof path);
    shf_alloc_fail_at(at, sticky);
    *status = run_steps(format, path, &progress, &err);
    uint64_t asked = shf_alloc_count();
    shf_alloc_fail_at(0, 0);
    /* Some can be done without: a kept context, a cache. */
    if (*status != SHEAF_OK) assert_true(err.message[0] != '\0');
    expect_survived(format, path, &progress);
    folder_remove(&folder);
    return asked;
}

static void each_failing_allocation_is_told_and_loses_nothing(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        for (int sticky = 0; sticky < 2; sticky++) {
            sheaf_status status;
            uint64_t total = fail_allocation(f, UINT64_MAX, sticky, &status), failed = 0;
            assert_int_equal(status, SHEAF_OK);
            for (uint64_t at = 1; at <= total; at += run_stride()) {
                (void)fail_allocation(f, at, sticky, &status);
                failed += status != SHEAF_OK;
            }
            printf("%s: %llu allocations failed in turn%s: %llu runs failed with an error, nothing committed was lost\n",
                   sheaf_format_name(f), (unsigned long long)total, sticky ? ", with all after it" : "", (unsigned long long)failed);
            assert_true(failed > total / run_stride() / 4);
        }
    }
}

static void kill_at_each_call_loses_nothing_committed(void **state)
{
    (void)state;
    run_progress *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(shared, MAP_FAILED);
    for (size_t f = 0; sheaf_format_name(f); f++) {
        if (is_mem(f)) continue;
        test_folder folder;
        char path[512];
        folder_make(&folder);
        store_path(&folder, f, "run", path, sizeof path);
        uint64_t calls = count_calls(f, path);
        for (uint64_t at = 1; at <= calls; at += run_stride()) {
            sheaf_error err;
            expect_ok(shf_path_remove_tree(folder.path, &err));
            expect_ok(shf_path_mkdir(folder.path, &err));
            memset(shared, 0, sizeof *shared);
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                fault_plan plan = {.at = at, .what = KILL};
                shf_io_set_hook(hit, &plan);
                _exit(run_steps(f, path, shared, &err) == SHEAF_OK ? 0 : 1);
            }
            int how;
            assert_int_equal(waitpid(child, &how, 0), child);
            assert_true(WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL);
            expect_survived(f, path, shared);
        }
        printf("%s: killed at each of %llu calls, nothing committed was lost\n", sheaf_format_name(f), (unsigned long long)calls);
        folder_remove(&folder);
    }
    munmap(shared, sizeof *shared);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_failing_call_is_told_and_loses_nothing),
        cmocka_unit_test(interrupted_and_short_calls_go_on),
        cmocka_unit_test(each_failing_allocation_is_told_and_loses_nothing),
        cmocka_unit_test(kill_at_each_call_loses_nothing_committed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
