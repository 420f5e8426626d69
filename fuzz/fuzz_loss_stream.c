// SPDX-License-Identifier: Apache-2.0
/* Any bytes, split by their own first byte: the reader must give the same events as when fed at once, and what the writer makes of them must read back. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sheaf/loss.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef struct digest {
    uint64_t hash;
    sheaf_loss_writer *writer;
} digest;

static void mix(uint64_t *hash, const void *bytes, size_t n)
{
    const uint8_t *p = bytes;
    for (size_t i = 0; i < n; i++) *hash = (*hash ^ p[i]) * 0x100000001b3u;
}

static sheaf_status on_event(void *context, const sheaf_loss_event *e, sheaf_error *err)
{
    digest *d = context;
    mix(&d->hash, &e->event_id, sizeof e->event_id);
    mix(&d->hash, e->item_id, e->n_items * sizeof *e->item_id);
    mix(&d->hash, e->indptr, (e->n_items + 1) * sizeof *e->indptr);
    mix(&d->hash, e->sidx, (size_t)e->indptr[e->n_items] * sizeof *e->sidx);
    mix(&d->hash, e->loss, (size_t)e->indptr[e->n_items] * sizeof *e->loss);
    return d->writer ? sheaf_loss_writer_put_event(d->writer, e, err) : SHEAF_OK;
}

static sheaf_status feed_reader(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_reader_feed(context, bytes, n, err);
}

static sheaf_status read_all(const uint8_t *data, size_t size, size_t step, const sheaf_loss_reader_options *options, digest *d)
{
    sheaf_loss_reader *r;
    sheaf_status status = sheaf_loss_reader_create(options, on_event, d, &r, NULL);
    for (size_t at = 0; !status && at < size; at += step) {
        status = sheaf_loss_reader_feed(r, data + at, size - at < step ? size - at : step, NULL);
    }
    if (!status) status = sheaf_loss_reader_finish(r, NULL);
    sheaf_loss_reader_free(&r);
    return status;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t step = (size_t)data[0] + 1;
    data++, size--;
    sheaf_loss_reader_options options;
    sheaf_loss_reader_options_init(&options);
    options.cut_end = SHEAF_LOSS_ACCEPT;
    options.duplicate_sidx = SHEAF_LOSS_ACCEPT;
    digest whole = {0, NULL}, split = {0, NULL}, first = {0, NULL}, second = {0, NULL};
    sheaf_status a = read_all(data, size, size + 1, &options, &whole), b = read_all(data, size, step, &options, &split);
    if (a != b || (!a && whole.hash != split.hash)) abort();
    if (a || size < 8) return 0;
    sheaf_loss_header h = {0, 0, 0};
    memcpy(&h.word, data, 4);
    memcpy(&h.n_samples, data + 4, 4);
    sheaf_loss_reader *r;
    if (sheaf_loss_reader_create(NULL, on_event, &second, &r, NULL)) return 0;
    if (sheaf_loss_writer_create(&h, false, feed_reader, r, &first.writer, NULL)) abort();
    if (read_all(data, size, step, &options, &first) || sheaf_loss_writer_finish(first.writer, NULL) || sheaf_loss_reader_finish(r, NULL))
        abort();
    sheaf_loss_writer_free(&first.writer);
    sheaf_loss_reader_free(&r);
    return 0;
}
