// SPDX-License-Identifier: Apache-2.0
/* Inside of a sheaf_store. One mutex guards everything but the reads of a back end and the encoding of chunks.
 *
 * Rows of a growing array live in slabs (one row block each) until all chunks of the block are stored: the oldest slab first, the one being
 * filled last. A reader of a growing store has slabs too: what it learned from the tail log. */
#ifndef SHF_STORE_STORE_H
#define SHF_STORE_STORE_H

#include <pthread.h>
#include <stdatomic.h>

#include "backend/backend.h"
#include "exec/pool.h"
#include "sheaf/store.h"
#include "store/cache.h"
#include "store/log.h"
#include "store/scratch.h"

struct sheaf_store;

typedef enum shf_slab_state { SHF_SLAB_FILLING, SHF_SLAB_QUEUED, SHF_SLAB_ENCODED } shf_slab_state;

typedef struct shf_slab {
    struct shf_slab *next;        /* the next block of the same array */
    struct shf_slab *next_job;    /* the next full slab of the store, in the order in which they must be put */
    struct shf_slab *next_submit; /* the next one that the appending thread hands to the pool */
    struct sheaf_store *store;
    size_t array;
    uint64_t block;
    uint64_t
        first_row;  /* first row (of the array) that is held: above the block's begin in a reader, when the rest lies in a partial chunk */
    uint64_t n_new; /* rows whose raw bytes are reserved in the budget */
    shf_slab_state state;
    uint8_t *memory; /* owns rows */
    uint8_t *rows;   /* chunk[0] rows, indexed from the block's begin; 64-byte aligned */
    shf_buf *chunks; /* n_columns encoded chunks, once encoded */
    uint32_t *masks;
    shf_place *places;
    sheaf_status status;
    sheaf_error error;
} shf_slab;

typedef struct shf_tail {
    shf_slab *oldest, *newest;
    shf_slab *spares; /* kept for the next blocks: one, and of all arrays together max_in_flight more */
    uint64_t n_slabs;
    uint64_t written_rows; /* SHF_BACKEND_ROWS: rows given to put_rows */
    uint64_t partial_rows; /* length that the last put_partial covered; UINT64_MAX: none */
} shf_tail;

typedef struct shf_entry {
    size_t array;
    uint64_t block, column;
    shf_place place;
} shf_entry;

/* Where the next row of an array goes. */
typedef struct shf_cursor {
    uint8_t *to;
    size_t row_bytes;
} shf_cursor;

/* The arrays of one record dimension. */
typedef struct shf_table {
    size_t *arrays; /* in schema order */
    size_t n_arrays;
    uint64_t record_bytes;
    /* The quick way for single records: n_arrays cursors, good for so many records more, and the records that came this way and are not yet
     * counted in their slabs' n_new. */
    shf_cursor *cursors;
    uint64_t quick_left, quick_rows;
} shf_table;

struct sheaf_store {
    char *path;
    const shf_backend_ops *ops;
    void *state;
    shf_layout layout; /* record lengths: those committed (rows: published; else: the log's) */
    uint64_t *base;    /* record lengths of the last checkpoint */
    uint64_t *appended;
    shf_table *tables; /* n_records */
    bool writable;
    sheaf_store_options options;

    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a slab was put, a checkpoint ended */
    shf_tail *tails;        /* n_arrays */
    shf_pool *pool;
    shf_slab *first_job, *last_job;
    size_t n_in_flight, max_in_flight;
    size_t n_more_spares; /* beyond the first of each array */
    shf_scratches scratches;
    bool putting;       /* a thread hands chunks to the back end */
    bool checkpointing; /* appends wait */
    shf_entry *entries; /* chunks put since the last commit */
    size_t n_entries, entries_capacity;
    uint64_t unpublished_bytes; /* of chunks put since the last checkpoint */
    bool *attributes_changed;   /* [0] the store, [i + 1] array i */
    bool any_attributes_changed;
    sheaf_status failed; /* sticky: nothing more is taken or committed */
    sheaf_error failure;

    shf_log log;
    shf_cache cache;

    /* commit and checkpoint by themselves */
    uint64_t rows_since_commit, bytes_since_commit;
    pthread_t ticker;
    pthread_cond_t ticker_wakes; /* to stop; its own, so that puts do not wake it */
    bool has_ticker, stop_ticker;
    unsigned held;       /* sheaf_store_hold: nothing is committed by itself */
    bool commit_wanted;  /* a commit was due while it was held */
    bool checkpoint_due; /* the timer has passed; the next commit does it */

    /* budget */
    uint64_t reserved_bytes;
    uint64_t backend_allocated, backend_written; /* as of the last writing call */
    _Atomic uint64_t memory_bytes;
    bool repairing;                    /* what is damaged is given up */
    sheaf_damage_callback tell_damage; /* repair: damage is told and passed over; else NULL */
    void *tell_context;
    uint64_t n_given_up;
    uint64_t n_commits, n_checkpoints, n_chunks_written;
    _Atomic uint64_t n_chunks_decoded;
};

/* Rows of the array that are committed; the mutex held. */
uint64_t shf_store_rows(const sheaf_store *store, const shf_array *array);
static inline bool shf_store_has_log(const sheaf_store *store)
{
    return !(store->ops->flags & (SHF_BACKEND_ROWS | SHF_BACKEND_VOLATILE));
}
static inline bool shf_store_by_rows(const sheaf_store *store)
{
    return (store->ops->flags & SHF_BACKEND_ROWS) != 0;
}

/* Calls the back end's usage; after each writing call, by the thread that made it. */
sheaf_status shf_store_measure(sheaf_store *store, sheaf_error *err);
/* Gives the rows of rows-in-place back ends that are not written yet to the back end; the mutex held. */
sheaf_status shf_store_flush_rows(sheaf_store *store, size_t array, sheaf_error *err);

/* append.c: counts what came the quick way in the slabs; the next record goes the long way. The mutex held. */
void shf_store_settle(sheaf_store *store);

/* Remembers the first failure; returns status. The mutex held. */
sheaf_status shf_store_fail(sheaf_store *store, sheaf_status status, const sheaf_error *err);
/* The sticky failure as an error of this call. The mutex held. */
sheaf_status shf_store_check(sheaf_store *store, sheaf_error *err);

/* slab.c */
sheaf_status shf_slab_get(sheaf_store *store, size_t array, uint64_t block, shf_slab **out,
                          sheaf_error *err); /* found, or appended to the tail */
shf_slab *shf_slab_find(const sheaf_store *store, size_t array, uint64_t block);
void shf_slab_drop_oldest(sheaf_store *store, size_t array); /* keeps its memory as a spare one */
void shf_slab_free_all(sheaf_store *store);
/* Cuts column `column` out of the slab into chunk (chunk_bytes), edges and rows from n_rows on filled. */
void shf_slab_cut(const shf_array *array, const shf_slab *slab, uint64_t n_rows, uint64_t column, void *chunk);
/* Encodes one chunk of a slab. *out replaced. Any thread. */
sheaf_status shf_slab_encode(sheaf_store *store, const shf_slab *slab, uint64_t n_rows, uint64_t column, shf_buf *out, uint32_t *mask,
                             sheaf_error *err);

/* encode.c: full slabs. queue: mutex held; run: mutex not held. */
void shf_encode_queue(sheaf_store *store, shf_slab *slab);
void shf_encode_run(shf_slab *slab);
/* Waits until nothing is in flight; mutex held (given up while waiting). */
void shf_encode_drain(sheaf_store *store);
/* Waits until a further slab may be in flight; mutex held (given up while waiting). */
void shf_encode_make_room(sheaf_store *store);

/* commit.c; mutex held. */
sheaf_status shf_commit_locked(sheaf_store *store, sheaf_error *err);
sheaf_status shf_checkpoint_locked(sheaf_store *store, bool final, sheaf_error *err);
/* partial.c: encodes and puts the partial last chunk of every array that has new rows; mutex held, nothing in flight. */
sheaf_status shf_store_put_partials(sheaf_store *store, sheaf_error *err);
/* The first frame of a log tells readers which checkpoint it goes on from. */
sheaf_status shf_store_begin_log(sheaf_store *store, sheaf_error *err);
sheaf_status shf_ticker_start(sheaf_store *store, sheaf_error *err);
void shf_ticker_stop(sheaf_store *store); /* mutex not held */

/* Before anything is committed by itself: waits for what commit and checkpoint would have to wait for, so that they do not give the mutex up,
 * then tells whether nobody holds the store. Asking before such a wait is not enough: a hold may begin meanwhile. The mutex held. */
bool shf_store_unheld(sheaf_store *store);
/* Commits if enough rows or bytes have come and nobody holds the store; the mutex held. */
sheaf_status shf_commit_when_due(sheaf_store *store, sheaf_error *err);

/* budget.c; mutex held. Refuses when `bytes` more would cross the limit. */
sheaf_status shf_budget_admit(sheaf_store *store, uint64_t bytes, sheaf_error *err);
sheaf_status shf_budget_used(sheaf_store *store, uint64_t *used_bytes, sheaf_error *err);

/* replay.c: takes in the frames of the log that are not yet known; mutex held or the store not yet shared. *changed: lengths grew. */
sheaf_status shf_replay(sheaf_store *store, bool *changed, sheaf_error *err);
/* Behind the end of the replay, with no writer alive: tells (shf_store_tell) when committed frames are lost there. */
sheaf_status shf_replay_tell_lost(sheaf_store *store, sheaf_error *err);
/* Loads what the partial last chunks hold into slabs, so that appending can go on (writer). */
/* Lengths of the newest commit that the log tells, without its rows; *any = false: it tells none. The store stays as it is. */
sheaf_status shf_replay_lengths(sheaf_store *store, uint64_t *lengths, bool *any, sheaf_error *err);
sheaf_status shf_replay_load_partials(sheaf_store *store, sheaf_error *err);

/* open.c: the parts of opening that create and repair share. */
sheaf_status shf_store_new(const char *path, const shf_backend_ops *ops, const sheaf_store_options *options, sheaf_store **out,
                           sheaf_error *err);
void shf_store_destroy(sheaf_store *store);
/* Once the layout is known. */
sheaf_status shf_store_make_tables(sheaf_store *store, sheaf_error *err);
/* How many full slabs may wait, so that slabs, queue and cache stay within the bound. */
sheaf_status shf_store_plan_memory(sheaf_store *store, sheaf_error *err);
/* A checkpoint that a dead writer had begun: its redo bytes are in the last whole frame. */
sheaf_status shf_store_finish_redo(sheaf_store *store, sheaf_error *err);
/* Opens for appending; with tell, damage of the last chunks is told and passed over. */
sheaf_status shf_store_open_writer(const char *path, const sheaf_store_options *options, bool repair, sheaf_damage_callback tell,
                                   void *context, sheaf_store **out, sheaf_error *err);
void shf_store_tell(sheaf_store *store, const sheaf_error *damage);

#endif
