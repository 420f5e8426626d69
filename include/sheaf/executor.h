// SPDX-License-Identifier: Apache-2.0
/** @file executor.h  Running many tasks: in the calling thread, in threads, in worker processes, or by an executor of your own.
 *
 * What travels to a worker are bytes that name things (a URI, indices), never data; what comes back are bytes too. The results lie in the
 * order of submission, whatever the order of execution. A task that fails leaves the others alone: its error is kept in its place.
 *
 * Caveats: worker processes are forked from the process that makes them, so make that executor before other threads are started, and
 * before files are written through handles that the work uses. One run at a time per executor. */
#ifndef SHEAF_EXECUTOR_H
#define SHEAF_EXECUTOR_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that grow: what a task gives back. Executors hand one to each task; only an executor of your own makes them. */
typedef struct sheaf_output sheaf_output;
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_output_create(sheaf_output **out, sheaf_error *err);
/** What was appended so far: Borrowed until the next append, aligned for any type. */
SHEAF_API const void *sheaf_output_bytes(const sheaf_output *output, size_t *size_bytes);
/** NULL is fine; *output is NULL afterwards. */
SHEAF_API void sheaf_output_free(sheaf_output **output);
/** Appends bytes. Copied. SHEAF_ERR_MEMORY. One thread at a time. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_output_append(sheaf_output *output, const void *bytes, size_t size_bytes, sheaf_error *err);

/** A request to stop. Zero-initialise ({0}) to begin; use it through the functions only. It must outlive the runs that were given it. */
typedef struct sheaf_cancel {
    int requested;
} sheaf_cancel;
/** Any thread, and signal handlers. Tasks not begun yet end with SHEAF_ERR_CANCELLED; tasks at work end when they ask. */
SHEAF_API void sheaf_cancel_request(sheaf_cancel *cancel);
/** false for NULL. Any thread. */
SHEAF_API bool sheaf_cancel_requested(const sheaf_cancel *cancel);

/** One task, as its work sees it. */
typedef struct sheaf_task {
    size_t index;      /**< place in the order of submission */
    const void *bytes; /**< what describes it; Borrowed until the task returns, aligned for any type */
    size_t size_bytes;
    const sheaf_cancel *cancel; /**< ask it between the steps of long work; never NULL */
} sheaf_task;

/** What the tasks of an executor do. `begin` and `end` may be NULL. The callbacks must not call back into the executor. */
typedef struct sheaf_work {
    size_t size_bytes; /**< sizeof(sheaf_work) */
    void *context;     /**< Borrowed until the executor is freed; worker processes see it as it was when they were forked */
    /** Once per run and address space, before its first task there. `common`: bytes that all tasks of the run share. `shared`: the caller's
     *  own object, or NULL where the worker does not share memory with it. *state is handed to the tasks and to end. */
    sheaf_status (*begin)(void *context, const void *common, size_t common_size_bytes, const void *shared, void **state, sheaf_error *err);
    /** One task; several threads may be in it at once. The result is what was appended to `result` when it returns SHEAF_OK. */
    sheaf_status (*task)(void *context, void *state, const sheaf_task *task, sheaf_output *result, sheaf_error *err);
    /** Once after the last task of a run; also when begin failed, with what it set (NULL when nothing). */
    void (*end)(void *context, void *state);
} sheaf_work;

/** What one run is asked to do. Everything is Borrowed until the run returns. */
typedef struct sheaf_job {
    size_t size_bytes; /**< sizeof(sheaf_job) */
    size_t n_tasks;
    const void *common; /**< see sheaf_work.begin; may be NULL with common_size_bytes 0 */
    size_t common_size_bytes;
    const void *shared;
    /** Appends the bytes that describe task `index` (0 … n_tasks-1). Called once per task, by several threads at once. */
    sheaf_status (*describe)(void *context, size_t index, sheaf_output *bytes, sheaf_error *err);
    void *describe_context;
    const sheaf_cancel *cancel; /**< NULL: cannot be cancelled */
} sheaf_job;

/** What the tasks of a run gave, in the order of submission. */
typedef struct sheaf_results sheaf_results;
SHEAF_API size_t sheaf_results_count(const sheaf_results *results);
/** The result of a task: *bytes is Borrowed until the results are freed, aligned for any type. For a failed task: its status, and its
 *  error in *err. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_results_get(const sheaf_results *results, size_t index, const void **bytes,
                                                          size_t *size_bytes, sheaf_error *err);
SHEAF_API void sheaf_results_free(sheaf_results **results);

typedef struct sheaf_executor sheaf_executor;

/** Every task in the calling thread, one after the other. `work` is Copied. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_executor_calling(const sheaf_work *work, sheaf_executor **out, sheaf_error *err);
/** n_threads (1 … 1024) tasks at a time; the calling thread is one of them. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_executor_threads(unsigned n_threads, const sheaf_work *work, sheaf_executor **out,
                                                               sheaf_error *err);
/** n_processes (1 … 1024) worker processes, forked now, which live until the executor is freed. A worker that dies fails the task that it
 *  had, with an error that names its process and the task; the others go on. A task's text on stdout is its own affair. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_executor_processes(unsigned n_processes, const sheaf_work *work, sheaf_executor **out,
                                                                 sheaf_error *err);

/** An executor of your own (MPI ranks, a cluster's queue). */
typedef struct sheaf_executor_ops {
    size_t size_bytes;  /**< sizeof(sheaf_executor_ops) */
    const char *name;   /**< static text */
    bool shares_memory; /**< true when all workers see the caller's memory, so that sheaf_job.shared is of use to them */
    /** Runs every task of the job (or leaves some out, which then count as cancelled) and hands each result over by sheaf_results_set.
     *  Where it calls `work`, it calls it by sheaf_work_run. Returns not SHEAF_OK only when the run as a whole could not be done. */
    sheaf_status (*run)(void *state, const sheaf_work *work, const sheaf_job *job, sheaf_results *results, sheaf_error *err);
    void (*free)(void *state); /**< may be NULL */
} sheaf_executor_ops;

/** `ops` and `work` are Copied; `state` belongs to the executor from a successful return on. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_executor_custom(const sheaf_executor_ops *ops, void *state, unsigned n_workers,
                                                              const sheaf_work *work, sheaf_executor **out, sheaf_error *err);
/** For executors of your own: hands over the result (Copied), or the error when it is not NULL. Each index once; any thread. */
SHEAF_API void sheaf_results_set(sheaf_results *results, size_t index, const void *bytes, size_t size_bytes, const sheaf_error *error);
/** For executors of your own: describes and runs one task with a state that work.begin gave, and hands its result over. Any thread. */
SHEAF_API void sheaf_work_run(const sheaf_work *work, void *state, const sheaf_job *job, size_t index, sheaf_results *results);

/** Runs a job. *results (when not NULL) has a place for every task, also when some failed; free it by sheaf_results_free. The status is that
 *  of the first failed task in the order of submission, its message begins with "task N: ". One thread per executor. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_executor_run(sheaf_executor *executor, const sheaf_job *job, sheaf_results **results,
                                                           sheaf_error *err);
/** "calling", "threads", "processes", or the name of your own. */
SHEAF_API const char *sheaf_executor_name(const sheaf_executor *executor);
SHEAF_API bool sheaf_executor_shares_memory(const sheaf_executor *executor);
/** Tasks that run at a time. */
SHEAF_API unsigned sheaf_executor_n_workers(const sheaf_executor *executor);
/** Ends the workers. NULL is fine; *executor is NULL afterwards. */
SHEAF_API void sheaf_executor_free(sheaf_executor **executor);

#ifdef __cplusplus
}
#endif
#endif
