// SPDX-License-Identifier: Apache-2.0
#include "sheaf/loss.h"

#include <string.h>

#include "base/alloc.h"
#include "loss/source.h"

struct sheaf_loss_reader {
    shf_source source;
    sheaf_loss_on_event on_event;
    void *context;
};

sheaf_status sheaf_loss_reader_create(const sheaf_loss_reader_options *options, sheaf_loss_on_event on_event, void *context,
                                      sheaf_loss_reader **out, sheaf_error *err)
{
    *out = NULL;
    sheaf_loss_reader *r = shf_calloc(1, sizeof *r);
    if (!r) return shf_fail_memory(err, sizeof *r, "a loss reader");
    sheaf_status status = shf_source_init(&r->source, options, err);
    if (status) {
        sheaf_loss_reader_free(&r);
        return status;
    }
    r->on_event = on_event;
    r->context = context;
    *out = r;
    return SHEAF_OK;
}

static sheaf_status hand_over(sheaf_loss_reader *r, sheaf_error *err)
{
    if (!r->on_event) return SHEAF_OK;
    sheaf_loss_event event = shf_csr_event(&r->source.csr);
    return r->on_event(r->context, &event, err);
}

sheaf_status sheaf_loss_reader_feed(sheaf_loss_reader *r, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    const uint8_t *at = bytes;
    bool ready = true;
    while (n_bytes > 0) {
        size_t used;
        SHF_TRY(shf_source_next(&r->source, at, n_bytes, &used, &ready, err));
        if (ready) SHF_TRY(hand_over(r, err));
        at += used;
        n_bytes -= used;
    }
    return SHEAF_OK;
}

sheaf_status sheaf_loss_reader_finish(sheaf_loss_reader *r, sheaf_error *err)
{
    bool ready;
    SHF_TRY(shf_source_end(&r->source, &ready, err));
    return ready ? hand_over(r, err) : SHEAF_OK;
}

const sheaf_loss_header *sheaf_loss_reader_header(const sheaf_loss_reader *r)
{
    return r->source.has_header ? &r->source.header : NULL;
}

const sheaf_loss_stats *sheaf_loss_reader_stats(const sheaf_loss_reader *r)
{
    return &r->source.stats;
}

void sheaf_loss_reader_free(sheaf_loss_reader **reader)
{
    if (!reader || !*reader) return;
    shf_source_free(&(*reader)->source);
    shf_free(*reader);
    *reader = NULL;
}
