// SPDX-License-Identifier: Apache-2.0
/** @file store.h  A store: growing tables of N-d arrays with one commit.
 *
 * One process writes a store; any number read it, also while it grows. Within the writing process every function may be called from any
 * thread, except close and free. What is appended becomes visible and crash-safe by commit, all record dimensions at once; a checkpoint
 * makes the store complete for outside tools. Caveats: a handle does not survive fork(); a store on a network file system needs one that
 * keeps flock(). */
#ifndef SHEAF_STORE_H
#define SHEAF_STORE_H

#include "schema.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sheaf_store sheaf_store;
struct sheaf_cancel; /* executor.h */

/** When a store is there already. */
typedef enum sheaf_if_exists {
    SHEAF_IF_EXISTS_FAIL = 0,    /**< SHEAF_ERR_EXISTS */
    SHEAF_IF_EXISTS_REPLACE = 1, /**< a store (never anything else) gives way to the new one, once that is made */
} sheaf_if_exists;

/** Options of a writer or reader. NULL means these defaults; make one by sheaf_store_options_init. */
typedef struct sheaf_store_options {
    size_t size_bytes;  /**< sizeof(sheaf_store_options) */
    const char *format; /**< "zarr", "hdf5", "npy", "mem"; NULL: by the path's suffix (.zarr, .h5/.hdf5, .npyd), "mem" only by name */
    sheaf_if_exists if_exists;
    unsigned n_threads;          /**< encoding threads; 0: the calling thread encodes; default: processors - 1, at most 8 */
    uint64_t memory_bytes;       /**< bound of buffers, queue, encoders and caches; default 256 MiB */
    uint64_t disk_bytes;         /**< bound of allocated bytes; 0 (default): none */
    uint64_t commit_rows;        /**< commit after so many appended records; 0 (default): not by rows */
    uint64_t commit_bytes;       /**< commit after so many appended bytes; default 64 MiB; 0: not by bytes */
    uint64_t commit_interval_ms; /**< commit by a timer; default 1,000; 0: no timer */
    uint64_t
        checkpoint_interval_ms; /**< default 10,000; 0: only at close, when asked, and when the log grows beyond 64 MiB. Without a commit timer
                                        it waits for the next commit: a checkpoint publishes nothing that is not committed */
    bool sync;                  /**< true: a commit returns when its data would survive a power cut */
    bool beside; /**< create: HDF5 only. When the file is there, the arrays are added to what others keep in it, which stays as it is
                                 *   (SHEAF_ERR_EXISTS names an array whose name is taken). The store is these arrays alone. */
    const struct sheaf_cancel
        *cancel; /**< writer: once requested, appends are refused with SHEAF_ERR_CANCELLED, and what came before can be committed;
                                        *   so sheaf_import, sheaf_convert and sheaf_merge end early. NULL (default): never. Borrowed */
} sheaf_store_options;

SHEAF_API sheaf_store_options sheaf_store_options_init(void);

/** Makes a store and opens it for appending. schema is not kept. Errors: SHEAF_ERR_EXISTS, SHEAF_ERR_UNSUPPORTED (format, codec), SHEAF_ERR_ARGUMENT,
 *  SHEAF_ERR_BUSY (replacing a store whose writer is at work), I/O. *out is NULL after an error, and nothing is left behind. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_create(const char *path, const sheaf_schema *schema, const sheaf_store_options *options,
                                                           sheaf_store **out, sheaf_error *err);
/** Opens for reading what is committed. Never writes. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_open(const char *path, const sheaf_store_options *options, sheaf_store **out,
                                                         sheaf_error *err);
/** Opens for appending: recovers what a killed writer committed, cuts off what it did not. SHEAF_ERR_BUSY names another writer at work. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_open_append(const char *path, const sheaf_store_options *options, sheaf_store **out,
                                                                sheaf_error *err);
/** Commits, checkpoints, ends the writer; *store is NULL afterwards in every case. A reader just ends. Idempotent on NULL. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_close(sheaf_store **store, sheaf_error *err);
/** Ends without committing: what is not committed is gone, what is committed stays. */
SHEAF_API void sheaf_store_free(sheaf_store **store);
/** Removes a store (refuses anything that is none, and a store whose writer is at work). Absent: SHEAF_ERR_NOT_FOUND. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_remove(const char *path, sheaf_error *err);

/* ---- what is in it ---- */

typedef struct sheaf_array_info {
    const char *name; /**< Borrowed until the store is closed, like all strings here */
    sheaf_dtype dtype;
    int ndim;
    const char *dimensions[SHEAF_MAX_NDIM];
    uint64_t shape[SHEAF_MAX_NDIM]; /**< shape[0] of a growing array: the committed length when asked */
    uint64_t chunk[SHEAF_MAX_NDIM];
    sheaf_codec codec;
    bool grows;
} sheaf_array_info;

SHEAF_API const char *sheaf_store_format(const sheaf_store *store);
SHEAF_API const char *sheaf_store_path(const sheaf_store *store);
SHEAF_API size_t sheaf_store_n_arrays(const sheaf_store *store);
/** Array by position (0 … n_arrays-1, the order of the schema). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_array_at(sheaf_store *store, size_t position, sheaf_array_info *info, sheaf_error *err);
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_array(sheaf_store *store, const char *name, sheaf_array_info *info, sheaf_error *err);
SHEAF_API size_t sheaf_store_n_records(const sheaf_store *store);                         /**< number of record dimensions */
SHEAF_API const char *sheaf_store_record_name(const sheaf_store *store, size_t position); /**< NULL when out of range */
/** Committed length of a record dimension. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_length(sheaf_store *store, const char *dimension, uint64_t *length, sheaf_error *err);
/** Records appended so far, committed or not (writer); the committed length (reader). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_appended(sheaf_store *store, const char *dimension, uint64_t *length, sheaf_error *err);

/** Attributes as a JSON object (of the store: array NULL). *json: Owned by the caller, ended by sheaf_string_free. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_attributes(sheaf_store *store, const char *array, char **json, sheaf_error *err);
/** Members of the JSON object replace those of the same name; a member null removes. Visible with the next commit. Writer only. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_set_attributes(sheaf_store *store, const char *array, const char *json,
                                                                   sheaf_error *err);
SHEAF_API void sheaf_string_free(char *text);

/* ---- writing ---- */

/** Appends n whole records to the table of a record dimension: columns[i] holds n rows (row-major, dtype of the array, native byte order) of
 *  the i-th array of that table in schema order, Copied before the call returns. columns[i] NULL: n rows of fill values. Any thread; concurrent
 *  calls get whole records in order of arrival; *first_row (may be NULL): where they lie.
 *  Errors: SHEAF_ERR_BUDGET (nothing of this call is stored; what came before is committed), I/O (sticky: the store takes no more). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_append(sheaf_store *store, const char *dimension, uint64_t n,
                                                           const void *const *columns, uint64_t *first_row, sheaf_error *err);
/** Publishes everything appended so far, all dimensions at once. Nothing new: nothing is done. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_commit(sheaf_store *store, sheaf_error *err);
/** Commits and makes the store complete for outside tools. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_checkpoint(sheaf_store *store, sheaf_error *err);

/** Between hold and release nothing is committed or checkpointed by itself (timer, rows, bytes, budget), so that appends to several tables become
 *  visible together; what was due meanwhile is done by release. Nests. An explicit commit is not held back. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_hold(sheaf_store *store, sheaf_error *err);
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_release(sheaf_store *store, sheaf_error *err);

/* ---- reading ---- */

typedef enum sheaf_select_kind { SHEAF_SELECT_ALL = 0, SHEAF_SELECT_RANGE = 1, SHEAF_SELECT_LIST = 2 } sheaf_select_kind;

/** Indices of one axis. Never wraps around: an index beyond the length is SHEAF_ERR_RANGE. */
typedef struct sheaf_selection {
    sheaf_select_kind kind;
    uint64_t start, stop, step; /**< RANGE: start, start+step, … < stop; stop is cut to the length; step ≥ 1; start ≤ stop */
    const uint64_t *indices;    /**< LIST: any order, duplicates kept; Borrowed during the call */
    size_t n_indices;
} sheaf_selection;

SHEAF_API sheaf_selection sheaf_select_all(void);
SHEAF_API sheaf_selection sheaf_select_range(uint64_t start, uint64_t stop, uint64_t step);
SHEAF_API sheaf_selection sheaf_select_list(const uint64_t *indices, size_t n);

/** Number of elements that a selection gives (product over the axes). selections: ndim of them, or NULL for everything. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_count(sheaf_store *store, const char *array, const sheaf_selection *selections,
                                                          uint64_t *n_elements, sheaf_error *err);
/** Reads the selected elements, committed ones only, row-major in the order of the selections, into out (out_size_bytes must be exactly count ×
 *  dtype size). Only the chunks needed are decoded. Any thread. Errors: SHEAF_ERR_RANGE, SHEAF_ERR_MISMATCH (size), SHEAF_ERR_DAMAGED. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_read(sheaf_store *store, const char *array, const sheaf_selection *selections,
                                                         void *out, size_t out_size_bytes, sheaf_error *err);
/** Whole committed array without a copy, where the format allows (npy, mem); Borrowed until the store is closed or refreshed. Else
 *  SHEAF_ERR_UNSUPPORTED. A file that others shorten under a map kills the process. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_map(sheaf_store *store, const char *array, const void **data, uint64_t *n_rows,
                                                        sheaf_error *err);
/** Reader: takes in what the writer committed since. *changed (may be NULL) says whether lengths grew. One thread per handle. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_refresh(sheaf_store *store, bool *changed, sheaf_error *err);
/** How long the record dimensions are by the writer's last commit: lengths[i] of the one named by sheaf_store_record_name(store, i), for all
 *  sheaf_store_n_records. Beside a writer of zarr or hdf5 this costs the same however much was written, and reads see nothing more until
 *  sheaf_store_refresh; in the other cases it may refresh by itself. One thread per handle. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_peek(sheaf_store *store, uint64_t *lengths, sheaf_error *err);

/* ---- state ---- */

typedef enum sheaf_writer { SHEAF_WRITER_NONE = 0, SHEAF_WRITER_ACTIVE = 1, SHEAF_WRITER_CRASHED = 2 } sheaf_writer;

typedef struct sheaf_store_statistics {
    size_t size_bytes;         /**< set to sizeof(sheaf_store_statistics) before the call */
    uint64_t allocated_bytes;  /**< on disk, as du counts, the tail log included */
    uint64_t reserved_bytes;   /**< raw bytes of records whose chunks are not written yet (writer) */
    uint64_t disk_limit_bytes; /**< 0: none */
    uint64_t memory_limit_bytes;
    uint64_t memory_bytes;  /**< in buffers, queue and cache now */
    uint64_t written_bytes; /**< bytes given to the files since opening (writer) */
    uint64_t n_commits, n_checkpoints, n_chunks_written, n_chunks_decoded;
    sheaf_writer writer;  /**< whether a writer is at work (of a writer's own handle: ACTIVE) */
    int64_t writer_pid;   /**< 0: none */
    int64_t writer_since; /**< seconds since 1970; 0: none */
    char writer_host[64];
} sheaf_store_statistics;

SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_get_statistics(sheaf_store *store, sheaf_store_statistics *statistics,
                                                                   sheaf_error *err);
/** Encoded bytes of one array's chunks on disk. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_array_bytes(sheaf_store *store, const char *array, uint64_t *stored_bytes,
                                                                sheaf_error *err);
/** Changes the disk limit while running; 0: none. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_set_disk_limit(sheaf_store *store, uint64_t disk_bytes, sheaf_error *err);

/* ---- verify and repair ---- */

/** One thing that is wrong: told for each, message Borrowed during the call. */
typedef void (*sheaf_damage_callback)(void *context, const sheaf_error *damage);
/** Reads everything committed and checks lengths, metadata and checksums. *n_damaged: how many things are wrong; each is told. Returns SHEAF_OK when
 *  the check itself could be done. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_verify(const char *path, sheaf_damage_callback tell, void *context, uint64_t *n_damaged,
                                                           sheaf_error *err);
/** Makes a store whose writer died whole for outside tools, and replaces damaged chunks by fill values; tells what was given up. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_store_repair(const char *path, sheaf_damage_callback tell, void *context,
                                                           uint64_t *n_given_up, sheaf_error *err);

/* ---- formats of this build ---- */

/** Name of the i-th format of this build ("zarr"), NULL past the last. Any thread. */
SHEAF_API const char *sheaf_format_name(size_t i);

#ifdef __cplusplus
}
#endif
#endif
