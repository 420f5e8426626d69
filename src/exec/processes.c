// SPDX-License-Identifier: Apache-2.0
/* Worker processes as an executor: forked when it is made, one stream socket each. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/error.h"
#include "exec/executor.h"
#include "exec/frame.h"
#include "exec/worker.h"

/* How often a waiting parent looks whether it was asked to cancel. */
#define CANCEL_CHECK_MS 20

typedef struct process {
    pid_t pid; /* 0: gone */
    int fd;
    bool begun; /* was given the run's common bytes */
    bool busy;
    size_t task;
} process;

typedef struct process_pool {
    unsigned n;
    process *workers;
    sheaf_cancel *cancel; /* in memory shared with the workers */
} process_pool;

typedef struct process_run {
    process_pool *pool;
    const sheaf_job *job;
    sheaf_results *results;
    size_t next;
} process_run;

/* Reaps a worker and says how it ended. */
static void reap(process *worker, char *how, size_t how_size)
{
    int status = 0;
    close(worker->fd);
    worker->fd = -1;
    pid_t got;
    while ((got = waitpid(worker->pid, &status, 0)) < 0 && errno == EINTR) continue;
    if (got < 0) snprintf(how, how_size, "it is gone");
    else if (WIFSIGNALED(status)) snprintf(how, how_size, "killed by signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else snprintf(how, how_size, "exit status %d", WEXITSTATUS(status));
    worker->pid = 0;
}

static void worker_died(process_run *run, process *worker, size_t task)
{
    char how[96];
    long pid = (long)worker->pid;
    reap(worker, how, sizeof how);
    worker->busy = false;
    sheaf_error error;
    shf_fail(&error, SHEAF_ERR_STATE, "worker process %ld died in task %zu (%s)", pid, task, how);
    sheaf_results_set(run->results, task, NULL, 0, &error);
}

/* Describes the next task and gives it to an idle worker. */
static void give_task(process_run *run, process *worker)
{
    const sheaf_job *job = run->job;
    size_t task = run->next++;
    sheaf_output bytes = {{0}};
    sheaf_error error = {.code = SHEAF_OK};
    sheaf_status status = job->describe(job->describe_context, task, &bytes, &error);
    if (status != SHEAF_OK) {
        if (error.code == SHEAF_OK) shf_fail(&error, status, "the task could not be described");
        sheaf_results_set(run->results, task, NULL, 0, &error);
    } else {
        bool open = worker->begun || shf_frame_send(worker->fd, SHF_FRAME_BEGIN, 0, job->common, job->common_size_bytes);
        worker->begun = true;
        open = open && shf_frame_send(worker->fd, SHF_FRAME_TASK, task, bytes.buf.data, bytes.buf.size);
        worker->busy = open;
        worker->task = task;
        if (!open) worker_died(run, worker, task);
    }
    shf_buf_free(&bytes.buf);
}

static void take_result(process_run *run, process *worker, shf_buf *payload)
{
    shf_frame frame = {0};
    bool open;
    sheaf_error error;
    sheaf_status status = shf_frame_receive(worker->fd, &frame, payload, &open, &error);
    if (status != SHEAF_OK) {
        /* What it sends cannot be taken off the socket, so this worker is of no more use. */
        sheaf_results_set(run->results, worker->task, NULL, 0, &error);
        kill(worker->pid, SIGKILL);
        open = false;
    }
    if (!open) {
        worker_died(run, worker, worker->task);
        return;
    }
    worker->busy = false;
    if (frame.kind == SHF_FRAME_ERROR && payload->size == sizeof error) {
        memcpy(&error, payload->data, sizeof error);
        sheaf_results_set(run->results, worker->task, NULL, 0, &error);
    } else {
        sheaf_results_set(run->results, worker->task, payload->data, payload->size, NULL);
    }
}

/* Waits until a busy worker has something to say; takes it. */
static void take_results(process_run *run, struct pollfd *fds, shf_buf *payload)
{
    process_pool *pool = run->pool;
    for (unsigned i = 0; i < pool->n; i++) fds[i] = (struct pollfd){pool->workers[i].busy ? pool->workers[i].fd : -1, POLLIN, 0};
    int n = poll(fds, pool->n, run->job->cancel ? CANCEL_CHECK_MS : -1);
    if (sheaf_cancel_requested(run->job->cancel)) sheaf_cancel_request(pool->cancel);
    for (unsigned i = 0; n > 0 && i < pool->n; i++)
        if (fds[i].revents) take_result(run, &pool->workers[i], payload);
}

static unsigned give_tasks(process_run *run, unsigned *n_alive)
{
    unsigned n_busy = 0;
    *n_alive = 0;
    for (unsigned i = 0; i < run->pool->n; i++) {
        process *worker = &run->pool->workers[i];
        while (worker->pid && !worker->busy && run->next < run->job->n_tasks && !sheaf_cancel_requested(run->job->cancel))
            give_task(run, worker);
        *n_alive += worker->pid != 0;
        n_busy += worker->busy;
    }
    return n_busy;
}

/* Takes out the workers that died since the last run: no task of this one is theirs. */
static void drop_dead(process_pool *pool)
{
    for (unsigned i = 0; i < pool->n; i++) {
        process *worker = &pool->workers[i];
        if (worker->pid && waitpid(worker->pid, NULL, WNOHANG) == worker->pid) {
            close(worker->fd);
            *worker = (process){.fd = -1};
        }
    }
}

static sheaf_status processes_run(void *state, const sheaf_work *work, const sheaf_job *job, sheaf_results *results, sheaf_error *err)
{
    (void)work; /* the workers have it since they were forked */
    process_pool *pool = state;
    struct pollfd *fds = shf_calloc(pool->n, sizeof *fds);
    if (!fds) return shf_fail_memory(err, pool->n * sizeof *fds, "waiting for worker processes");
    process_run run = {pool, job, results, 0};
    shf_buf payload = {0};
    unsigned n_alive = 0;
    __atomic_store_n(&pool->cancel->requested, 0, __ATOMIC_RELEASE);
    drop_dead(pool);
    while (give_tasks(&run, &n_alive) > 0) take_results(&run, fds, &payload);
    for (unsigned i = 0; i < pool->n; i++) {
        process *worker = &pool->workers[i];
        /* Whoever died meanwhile is found out by the next run. */
        if (worker->pid && worker->begun) (void)shf_frame_send(worker->fd, SHF_FRAME_END, 0, NULL, 0);
        worker->begun = false;
    }
    shf_buf_free(&payload);
    shf_free(fds);
    if (n_alive == 0 && run.next < job->n_tasks)
        return shf_fail(err, SHEAF_ERR_STATE, "no worker process is left: all %u died; %zu of %zu tasks were not begun", pool->n,
                        job->n_tasks - run.next, job->n_tasks);
    return SHEAF_OK;
}

static void processes_free(void *state)
{
    process_pool *pool = state;
    char how[96];
    if (!pool) return;
    for (unsigned i = 0; pool->workers && i < pool->n; i++)
        if (pool->workers[i].pid) (void)shf_frame_send(pool->workers[i].fd, SHF_FRAME_QUIT, 0, NULL, 0);
    for (unsigned i = 0; pool->workers && i < pool->n; i++)
        if (pool->workers[i].pid) reap(&pool->workers[i], how, sizeof how);
    if (pool->cancel) munmap(pool->cancel, sizeof *pool->cancel);
    shf_free(pool->workers);
    shf_free(pool);
}

/* Forks worker i; it closes what belongs to the others, so that each socket ends when its two owners end. */
static sheaf_status start_worker(process_pool *pool, unsigned i, const sheaf_work *work, sheaf_error *err)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return shf_fail_errno(err, errno, "cannot make", "a socket pair");
    pid_t parent = getpid();
    pid_t pid = fork();
    if (pid < 0) {
        int fork_errno = errno;
        close(pair[0]);
        close(pair[1]);
        return shf_fail_errno(err, fork_errno, "cannot fork", "a worker process");
    }
    if (pid == 0) {
        close(pair[0]);
        for (unsigned j = 0; j < i; j++) close(pool->workers[j].fd);
        shf_worker_serve(pair[1], parent, work, pool->cancel);
    }
    close(pair[1]);
    pool->workers[i] = (process){.pid = pid, .fd = pair[0]};
    return SHEAF_OK;
}

static sheaf_status make_pool(unsigned n, process_pool **out, sheaf_error *err)
{
    process_pool *pool = shf_calloc(1, sizeof *pool);
    if (!pool) return shf_fail_memory(err, sizeof *pool, "worker processes");
    *out = pool;
    pool->n = n;
    pool->workers = shf_calloc(n, sizeof *pool->workers);
    if (!pool->workers) return shf_fail_memory(err, n * sizeof *pool->workers, "worker processes");
    void *shared = mmap(NULL, sizeof *pool->cancel, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return shf_fail_errno(err, errno, "cannot map", "memory to share with worker processes");
    pool->cancel = shared;
    return SHEAF_OK;
}

sheaf_status sheaf_executor_processes(unsigned n_processes, const sheaf_work *work, sheaf_executor **out, sheaf_error *err)
{
    static const sheaf_executor_ops ops = {sizeof ops, "processes", false, processes_run, processes_free};
    *out = NULL;
    SHF_TRY(shf_work_check(work, err));
    if (n_processes == 0 || n_processes > SHF_MAX_WORKERS)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "executor: %u processes, expected 1 to %u", n_processes, SHF_MAX_WORKERS);
    process_pool *pool = NULL;
    sheaf_status status = make_pool(n_processes, &pool, err);
    for (unsigned i = 0; status == SHEAF_OK && i < n_processes; i++) status = start_worker(pool, i, work, err);
    if (status != SHEAF_OK) {
        processes_free(pool);
        return status;
    }
    return shf_executor_make(&ops, pool, n_processes, work, out, err);
}
