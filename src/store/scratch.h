// SPDX-License-Identifier: Apache-2.0
/* What encoding and decoding threads keep between chunks: contexts and buffers. Given back to the system after each chunk they would be
 * faulted in again for the next one, which costs as much as encoding it. Any thread. */
#ifndef SHF_STORE_SCRATCH_H
#define SHF_STORE_SCRATCH_H

#include <pthread.h>
#include <stdbool.h>

#include "base/buf.h"
#include "codec/codec.h"

/* Below this many bytes to decode a second thread costs more than it brings (about 60 us to start it). */
#define SHF_MIN_SHARED_BYTES ((uint64_t)1 << 20)

typedef struct shf_scratch {
    struct shf_scratch *next;
    shf_codec_work codec;
    uint8_t *chunk; /* room for one decoded chunk */
    size_t chunk_size;
    shf_buf encoded;
} shf_scratch;

typedef struct shf_scratches {
    pthread_mutex_t mutex;
    bool ready;
    shf_scratch *free; /* as many as there were threads at work at once */
    shf_buf *bufs;     /* empty ones with room for encoded chunks, at most max_buf_bytes in all */
    size_t n_bufs, bufs_capacity;
    size_t buf_bytes, max_buf_bytes;
} shf_scratches;

void shf_scratches_init(shf_scratches *all);
void shf_scratches_free(shf_scratches *all);

/* NULL when out of memory; give it back. */
shf_scratch *shf_scratch_take(shf_scratches *all);
void shf_scratch_give(shf_scratches *all, shf_scratch *scratch);
/* scratch->chunk with room for n bytes, 64-byte aligned; NULL when out of memory. */
uint8_t *shf_scratch_chunk(shf_scratch *scratch, size_t n);

/* An empty buffer, one given back before if there is one. */
shf_buf shf_scratch_take_buf(shf_scratches *all);
/* *buf becomes empty. */
void shf_scratch_give_buf(shf_scratches *all, shf_buf *buf);

#endif
