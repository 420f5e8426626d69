// SPDX-License-Identifier: Apache-2.0
/* Several inputs as one stream of events. */
#include "sheaf/loss.h"

#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "loss/source.h"

typedef struct input {
    shf_source source;
    char *name;      /* Owned */
    shf_buf waiting; /* merge: bytes not taken yet, from `at` */
    size_t at;
    bool ready, finished, done; /* ready: an event waits; finished: no more bytes come; done: nothing is left */
} input;

struct sheaf_loss_merger {
    sheaf_loss_join join;
    size_t n_inputs;
    input *inputs;
    shf_csr joined;
    sheaf_loss_on_event on_event;
    void *context;
};

sheaf_status sheaf_loss_merger_create(sheaf_loss_join join, size_t n_inputs, const char *const *names,
                                      const sheaf_loss_reader_options *options, sheaf_loss_on_event on_event, void *context,
                                      sheaf_loss_merger **out, sheaf_error *err)
{
    *out = NULL;
    if (n_inputs == 0) return shf_fail(err, SHEAF_ERR_ARGUMENT, "no loss stream is given");
    sheaf_loss_merger *m = shf_calloc(1, sizeof *m);
    if (!m) return shf_fail_memory(err, sizeof *m, "a loss merger");
    m->join = join;
    m->on_event = on_event;
    m->context = context;
    m->inputs = shf_calloc(n_inputs, sizeof *m->inputs);
    sheaf_status status = m->inputs ? SHEAF_OK : shf_fail_memory(err, n_inputs * sizeof *m->inputs, "loss inputs");
    for (size_t i = 0; !status && i < n_inputs; i++) {
        m->n_inputs = i + 1;
        status = shf_source_init(&m->inputs[i].source, options, err);
        m->inputs[i].name = shf_strdup(names[i]);
        m->inputs[i].source.name = m->inputs[i].name;
        if (!status && !m->inputs[i].name) status = shf_fail_memory(err, strlen(names[i]), "a name");
    }
    if (status) sheaf_loss_merger_free(&m);
    *out = m;
    return status;
}

void sheaf_loss_merger_free(sheaf_loss_merger **merger)
{
    if (!merger || !*merger) return;
    sheaf_loss_merger *m = *merger;
    for (size_t i = 0; m->inputs && i < m->n_inputs; i++) {
        shf_source_free(&m->inputs[i].source);
        shf_buf_free(&m->inputs[i].waiting);
        shf_free(m->inputs[i].name);
    }
    shf_csr_free(&m->joined);
    shf_free(m->inputs);
    shf_free(m);
    *merger = NULL;
}

static sheaf_status emit(sheaf_loss_merger *m, const shf_csr *csr, sheaf_error *err)
{
    if (!m->on_event) return SHEAF_OK;
    sheaf_loss_event event = shf_csr_event(csr);
    return m->on_event(m->context, &event, err);
}

/* Every input whose header has come must agree with the first such one. */
static sheaf_status check_headers(const sheaf_loss_merger *m, const input *in, sheaf_error *err)
{
    for (size_t i = 0; i < m->n_inputs; i++) {
        const input *other = &m->inputs[i];
        if (other == in || !other->source.has_header) continue;
        return shf_loss_header_agree(&other->source.parser.header, other->name, &in->source.parser.header, in->name, err);
    }
    return SHEAF_OK;
}

/* Takes waiting bytes of one input until an event is ready. */
static sheaf_status advance(sheaf_loss_merger *m, input *in, sheaf_error *err)
{
    bool knew = in->source.has_header;
    while (!in->ready && in->at < in->waiting.size) {
        size_t used;
        SHF_TRY(shf_source_next(&in->source, in->waiting.data + in->at, in->waiting.size - in->at, &used, &in->ready, err));
        in->at += used;
    }
    if (!knew && in->source.has_header) SHF_TRY(check_headers(m, in, err));
    if (in->at == in->waiting.size) in->at = in->waiting.size = 0;
    if (in->ready || !in->finished || in->done) return SHEAF_OK;
    in->done = true;
    return shf_source_end(&in->source, &in->ready, err);
}

static input *smallest(const sheaf_loss_merger *m)
{
    input *best = NULL;
    for (size_t i = 0; i < m->n_inputs; i++) {
        input *in = &m->inputs[i];
        if (in->ready && (!best || in->source.csr.event_id < best->source.csr.event_id)) best = in;
    }
    return best;
}

int64_t sheaf_loss_merger_wants(const sheaf_loss_merger *m)
{
    for (size_t i = 0; i < m->n_inputs; i++) {
        if (!m->inputs[i].ready && !m->inputs[i].finished) return (int64_t)i;
    }
    return -1;
}

/* Hands over the smallest event while every input that goes on has one. */
static sheaf_status merge(sheaf_loss_merger *m, sheaf_error *err)
{
    input *first;
    while (sheaf_loss_merger_wants(m) < 0 && (first = smallest(m)) != NULL) {
        int32_t event_id = first->source.csr.event_id;
        size_t n_same = 0;
        shf_csr_clear(&m->joined);
        for (size_t i = 0; i < m->n_inputs; i++) {
            n_same += m->inputs[i].ready && m->inputs[i].source.csr.event_id == event_id;
        }
        for (size_t i = 0; n_same > 1 && i < m->n_inputs; i++) {
            const input *in = &m->inputs[i];
            if (in->ready && in->source.csr.event_id == event_id) SHF_TRY(shf_csr_append(&m->joined, &in->source.csr, err));
        }
        SHF_TRY(emit(m, n_same > 1 ? &m->joined : &first->source.csr, err));
        for (size_t i = 0; i < m->n_inputs; i++) {
            input *in = &m->inputs[i];
            if (!in->ready || in->source.csr.event_id != event_id) continue;
            in->ready = false;
            SHF_TRY(advance(m, in, err));
        }
    }
    return SHEAF_OK;
}

static sheaf_status feed_through(sheaf_loss_merger *m, input *in, const uint8_t *bytes, size_t n, sheaf_error *err)
{
    bool knew = in->source.has_header;
    while (n > 0) {
        size_t used;
        bool ready;
        SHF_TRY(shf_source_next(&in->source, bytes, n, &used, &ready, err));
        if (!knew && in->source.has_header) SHF_TRY(check_headers(m, in, err));
        knew = in->source.has_header;
        if (ready) SHF_TRY(emit(m, &in->source.csr, err));
        bytes += used;
        n -= used;
    }
    return SHEAF_OK;
}

static sheaf_status get_input(sheaf_loss_merger *m, size_t i, input **in, sheaf_error *err)
{
    if (i >= m->n_inputs) return shf_fail(err, SHEAF_ERR_RANGE, "input %zu of %zu", i, m->n_inputs);
    *in = &m->inputs[i];
    if ((*in)->finished) return shf_fail(err, SHEAF_ERR_STATE, "%s has ended already", (*in)->name);
    return SHEAF_OK;
}

sheaf_status sheaf_loss_merger_feed(sheaf_loss_merger *m, size_t i, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    input *in = NULL;
    SHF_TRY(get_input(m, i, &in, err));
    if (m->join == SHEAF_LOSS_INTERLEAVE) return feed_through(m, in, bytes, n_bytes, err);
    if (in->at) {
        memmove(in->waiting.data, in->waiting.data + in->at, in->waiting.size - in->at);
        in->waiting.size -= in->at;
        in->at = 0;
    }
    SHF_TRY(shf_buf_append(&in->waiting, bytes, n_bytes, err));
    SHF_TRY(advance(m, in, err));
    return merge(m, err);
}

sheaf_status sheaf_loss_merger_finish(sheaf_loss_merger *m, size_t i, sheaf_error *err)
{
    input *in = NULL;
    SHF_TRY(get_input(m, i, &in, err));
    in->finished = true;
    if (m->join == SHEAF_LOSS_MERGE) {
        SHF_TRY(advance(m, in, err));
        return merge(m, err);
    }
    bool ready;
    SHF_TRY(shf_source_end(&in->source, &ready, err));
    return ready ? emit(m, &in->source.csr, err) : SHEAF_OK;
}

const sheaf_loss_header *sheaf_loss_merger_header(const sheaf_loss_merger *m)
{
    for (size_t i = 0; i < m->n_inputs; i++) {
        if (m->inputs[i].source.has_header) return &m->inputs[i].source.header;
    }
    return NULL;
}

void sheaf_loss_merger_stats(const sheaf_loss_merger *m, sheaf_loss_stats *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < m->n_inputs; i++) {
        /* The struct is nothing but counters. */
        const uint64_t *from = (const uint64_t *)(const void *)&m->inputs[i].source.stats;
        uint64_t *to = (uint64_t *)(void *)out;
        for (size_t k = 0; k < sizeof *out / sizeof *to; k++) to[k] += from[k];
    }
}
