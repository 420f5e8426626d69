// SPDX-License-Identifier: Apache-2.0
#include "store/scratch.h"

#include <string.h>

#include "base/alloc.h"

void shf_scratches_init(shf_scratches *all)
{
    memset(all, 0, sizeof *all);
    pthread_mutex_init(&all->mutex, NULL);
    all->ready = true;
}

static void free_scratch(shf_scratch *scratch)
{
    shf_codec_work_free(&scratch->codec);
    shf_free(scratch->chunk);
    shf_buf_free(&scratch->encoded);
    shf_free(scratch);
}

void shf_scratches_free(shf_scratches *all)
{
    if (!all->ready) return;
    while (all->free) {
        shf_scratch *scratch = all->free;
        all->free = scratch->next;
        free_scratch(scratch);
    }
    for (size_t i = 0; i < all->n_bufs; i++) shf_buf_free(&all->bufs[i]);
    shf_free(all->bufs);
    pthread_mutex_destroy(&all->mutex);
    all->ready = false;
}

shf_scratch *shf_scratch_take(shf_scratches *all)
{
    pthread_mutex_lock(&all->mutex);
    shf_scratch *scratch = all->free;
    if (scratch) all->free = scratch->next;
    pthread_mutex_unlock(&all->mutex);
    return scratch ? scratch : shf_calloc(1, sizeof *scratch);
}

void shf_scratch_give(shf_scratches *all, shf_scratch *scratch)
{
    if (!scratch) return;
    pthread_mutex_lock(&all->mutex);
    scratch->next = all->free;
    all->free = scratch;
    pthread_mutex_unlock(&all->mutex);
}

uint8_t *shf_scratch_chunk(shf_scratch *scratch, size_t n)
{
    return shf_grow_aligned(&scratch->chunk, &scratch->chunk_size, n);
}

shf_buf shf_scratch_take_buf(shf_scratches *all)
{
    shf_buf buf = {0};
    pthread_mutex_lock(&all->mutex);
    if (all->n_bufs) buf = all->bufs[--all->n_bufs];
    all->buf_bytes -= buf.capacity;
    pthread_mutex_unlock(&all->mutex);
    return buf;
}

/* Room for one more; the mutex held. */
static bool make_room(shf_scratches *all)
{
    if (all->n_bufs < all->bufs_capacity) return true;
    size_t capacity = all->bufs_capacity ? 2 * all->bufs_capacity : 8;
    shf_buf *bufs = shf_realloc(all->bufs, capacity * sizeof *bufs);
    if (!bufs) return false;
    all->bufs = bufs;
    all->bufs_capacity = capacity;
    return true;
}

void shf_scratch_give_buf(shf_scratches *all, shf_buf *buf)
{
    if (!buf->data) return;
    pthread_mutex_lock(&all->mutex);
    if (buf->capacity <= all->max_buf_bytes - all->buf_bytes && make_room(all)) {
        buf->size = 0;
        all->buf_bytes += buf->capacity;
        all->bufs[all->n_bufs++] = *buf;
        *buf = (shf_buf){0};
    }
    pthread_mutex_unlock(&all->mutex);
    shf_buf_free(buf);
}
