// SPDX-License-Identifier: Apache-2.0
/* Inside the Parquet writer: the handle, and the ring of chunks that are being encoded. */
#ifndef SHF_INTERCHANGE_PARQUET_WRITER_INSIDE_H
#define SHF_INTERCHANGE_PARQUET_WRITER_INSIDE_H

#include <pthread.h>

#include "interchange/parquet_encode.h"
#include "io/file.h"

/* One chunk on its way. */
typedef struct shf_parquet_slot {
    shf_parquet_writer *writer; /* Borrowed */
    size_t column;
    uint64_t n_rows;
    shf_parquet_values values;
    shf_buf values_copy, offsets_copy, valid_copy;
    shf_parquet_encoder encoder;
    shf_parquet_encoded encoded;
    bool done; /* guarded by the writer's mutex */
    sheaf_status status;
    sheaf_error err;
} shf_parquet_slot;

/* Rows of append that fill no group yet. */
typedef struct shf_parquet_gathered {
    shf_buf values, offsets, valid;
} shf_parquet_gathered;

struct shf_parquet_writer {
    shf_file io;
    char *path, *temporary; /* Owned */
    shf_pq_field *fields;   /* Owned, with their names */
    size_t n_fields;
    char **metadata; /* Owned, 2 × n_metadata */
    size_t n_metadata;
    shf_parquet_write_options options;
    bool created, failed;
    shf_buf pending;     /* bytes not yet written */
    uint64_t pending_at; /* where they go */
    shf_buf column_indexes, offset_indexes;
    shf_buf chunks, groups; /* shf_pq_written_chunk, shf_pq_written_group */
    bool in_group;
    uint64_t group_rows;
    size_t next_column; /* to be handed over */
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    shf_parquet_slot *slots; /* a ring: slots[first_slot ...] are on their way, the oldest first */
    size_t n_slots, first_slot, n_busy;
    shf_parquet_gathered *gathered; /* per field; NULL until append was called */
    uint64_t n_gathered;
};

/* Appends to the file, by way of a buffer. */
sheaf_status shf_parquet_put(shf_parquet_writer *writer, const void *bytes, size_t n, sheaf_error *err);
sheaf_status shf_parquet_flush(shf_parquet_writer *writer, sheaf_error *err);
/* Hands one chunk over; copy: the values do not outlive the call. */
sheaf_status shf_parquet_submit(shf_parquet_writer *writer, const shf_parquet_values *values, bool copy, sheaf_error *err);
/* Waits until every chunk handed over is written. */
sheaf_status shf_parquet_drain(shf_parquet_writer *writer, sheaf_error *err);
/* Waits for what runs, drops it. */
void shf_parquet_abandon(shf_parquet_writer *writer);
/* Writes what append has gathered. */
sheaf_status shf_parquet_append_rest(shf_parquet_writer *writer, sheaf_error *err);
void shf_parquet_gathered_free(shf_parquet_writer *writer);

#endif
