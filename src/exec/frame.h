// SPDX-License-Identifier: Apache-2.0
/* What goes between an executor and its worker processes: frames over a stream socket. Both ends are the same program. */
#ifndef SHF_EXEC_FRAME_H
#define SHF_EXEC_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

typedef enum shf_frame_kind {
    SHF_FRAME_BEGIN = 1,  /* to a worker: the bytes that the tasks of a run share */
    SHF_FRAME_TASK = 2,   /* to a worker: the bytes of one task */
    SHF_FRAME_END = 3,    /* to a worker: the run is over */
    SHF_FRAME_QUIT = 4,   /* to a worker: leave */
    SHF_FRAME_RESULT = 5, /* from a worker: what the task gave */
    SHF_FRAME_ERROR = 6,  /* from a worker: a sheaf_error */
} shf_frame_kind;

typedef struct shf_frame {
    uint64_t kind, index, size_bytes; /* size_bytes follow */
} shf_frame;

/* Sends a frame whole; false when the other end is gone. */
bool shf_frame_send(int fd, shf_frame_kind kind, uint64_t index, const void *bytes, size_t size_bytes);
/* Receives a frame whole into *frame and *payload (whose old content is dropped). *open is false when the other end is gone. A
 * status other than SHEAF_OK: out of memory. */
sheaf_status shf_frame_receive(int fd, shf_frame *frame, shf_buf *payload, bool *open, sheaf_error *err);

#endif
