// SPDX-License-Identifier: Apache-2.0
/* The tail log as a file: one writer appends frames, readers follow. One inode for a writer's whole life: a new generation begins by writing
 * the header again, which makes all older frames count no more. The writer's lock is held on it. */
#ifndef SHF_STORE_LOG_H
#define SHF_STORE_LOG_H

#include "format/tail_log.h"
#include "io/file.h"

typedef struct shf_log {
    shf_file file;
    char *path;
    shf_log_header header;
    uint64_t position; /* where the next frame begins */
    uint64_t sequence; /* of the next frame */
    uint64_t allocated, written;
    uint64_t tip_at;        /* the position that the file's tip tells, 0: none */
    shf_buf frame;          /* a frame that is being made: first SHF_LOG_FRAME_BYTES are left for its head */
    uint32_t frame_crc;     /* of what was flushed */
    uint64_t frame_flushed; /* payload bytes already in the file */
    bool sync;
    shf_buf window; /* of the file, from byte window_at: what shf_log_read took in ahead */
    uint64_t window_at, window_step;
} shf_log;

void shf_log_init(shf_log *log);
/* Writer: opens or makes the file and takes the lock; SHEAF_ERR_BUSY names the other writer. *was_there: a dead writer left it, its header (when whole)
 * is in log->header. */
sheaf_status shf_log_acquire(shf_log *log, char *path, bool sync, bool *was_there, sheaf_error *err);
/* The log is about to be renamed to path (owned from now on, as above). */
sheaf_status shf_log_moved(shf_log *log, char *path, sheaf_error *err);
/* Reader: opens the file if it is there (*there). */
sheaf_status shf_log_attach(shf_log *log, char *path, bool *there, sheaf_error *err);
/* Begins generation header.generation + 1: header (this process as writer), no frames. A file of more than keep_bytes is cut. */
sheaf_status shf_log_restart(shf_log *log, const char *format, size_t n_arrays, size_t n_records, uint64_t keep_bytes, sheaf_error *err);

/* One frame: begin, put …, end. Until end has returned nothing counts. */
sheaf_status shf_log_begin(shf_log *log, sheaf_error *err);
sheaf_status shf_log_put(shf_log *log, const void *bytes, size_t n, sheaf_error *err);
sheaf_status shf_log_put_number(shf_log *log, uint64_t value, sheaf_error *err);
sheaf_status shf_log_end(shf_log *log, sheaf_error *err);

/* A frame's payload, lent until the next call. */
typedef struct shf_log_payload {
    const uint8_t *bytes;
    size_t n;
} shf_log_payload;
/* The next frame is the first one. */
void shf_log_rewind(shf_log *log);
/* Writer: tells the lengths of each record dimension, as committed by the last frame, when the last tip is far enough behind. An aid: a failure is
 * none of the log's. */
void shf_log_tell(shf_log *log, const uint64_t *lengths, size_t n_records);
/* Reader: goes to the frame that the tip tells, or to the first one (*at_tip = false, lengths untouched). SHEAF_ERR_STATE when the header is not whole. */
sheaf_status shf_log_seek_tip(shf_log *log, uint64_t *lengths, size_t n_records, bool *at_tip, sheaf_error *err);
/* Next whole frame, *more = false when there is none (yet). A frame that is not whole is none. Reads ahead until it found none. */
sheaf_status shf_log_read(shf_log *log, shf_log_payload *payload, bool *more, sheaf_error *err);
/* After the last frame that shf_log_read gave, and with no writer alive: whether there were more, since the tip or a whole frame lies behind
 * one that is not whole, or the header is gone that frames lie behind. A frame that the writer's death cut short is none of these. */
sheaf_status shf_log_lost(shf_log *log, size_t n_records, bool *lost, sheaf_error *err);
/* Reads the header again: *same = false when a new generation began or the file is another one. */
sheaf_status shf_log_check(shf_log *log, bool *same, sheaf_error *err);
/* Closes; with remove also removes the file. */
sheaf_status shf_log_close(shf_log *log, bool remove, sheaf_error *err);

/* Who writes a store: reads the sidecar at path without disturbing anybody. */
sheaf_status shf_log_writer(const char *path, shf_log_header *header, bool *there, bool *alive, sheaf_error *err);

#endif
