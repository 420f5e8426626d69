// SPDX-License-Identifier: Apache-2.0
/* Event loss tables. Blocks of whole packets go to the threads; each gives its rows back as text. */
#include "sheaf/loss.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/loss_text.h"
#include "format/number.h"
#include "loss/csr.h"
#include "loss/elt.h"
#include "loss/pipeline.h"
#include "loss/sort.h"

#define BLOCK_BYTES ((size_t)512 << 10)

static const double usual_quantiles[] = {0.01, 0.05, 0.5, 0.95, 0.99};

static const char *const selt_names[] = {"EventId", "SummaryId", "SampleId", "Loss", "ImpactedExposure", NULL};
static const char *const melt_names[] = {"EventId",
                                         "SummaryId",
                                         "SampleType",
                                         "EventRate",
                                         "ChanceOfLoss",
                                         "MeanLoss",
                                         "SDLoss",
                                         "MaxLoss",
                                         "FootprintExposure",
                                         "MeanImpactedExposure",
                                         "MaxImpactedExposure",
                                         NULL};
static const char *const qelt_names[] = {"EventId", "SummaryId", "Quantile", "Loss", NULL};
static const char *const *const names_of[] = {selt_names, melt_names, qelt_names};

/* One number as text; its room is SHF_LOSS_NUMBER_ROOM. */
typedef struct cell {
    char text[SHF_LOSS_NUMBER_ROOM];
    size_t n;
} cell;

struct sheaf_loss_tables {
    sheaf_loss_tables_options options;
    shf_pipeline *pipeline;
    cell zero, *quantile_cells; /* what is the same in every packet */
    shf_loss_parser parser;     /* behind what was fed */
    shf_loss_parser behind;     /* behind the last whole packet of the block at work */
    size_t whole;               /* bytes of the block up to there */
    bool begun, failed, any_row[SHEAF_LOSS_N_TABLES];
    sheaf_loss_stats stats;
};

/* What a job works with. */
typedef struct worker {
    shf_loss_parser parser;
    shf_csr csr;
    shf_buf values; /* n floats and 2 n words */
    shf_buf ranks;  /* 2 a quantile */
    sheaf_loss_stats stats;
} worker;

void sheaf_loss_tables_options_init(sheaf_loss_tables_options *options)
{
    *options = (sheaf_loss_tables_options){.size_bytes = sizeof *options, .decimals = -1, .header = true};
}

/* ---- rows ---- */

static cell real(const sheaf_loss_tables *t, double value)
{
    cell c;
    if (!isfinite(value) && t->options.json) {
        memcpy(c.text, "null", 4);
        c.n = 4;
    } else if (t->options.decimals >= 0 && fabs(value) < 1e30) {
        char text[SHF_FIXED_ROOM];
        c.n = shf_print_fixed(text, value, t->options.decimals);
        memcpy(c.text, text, c.n);
    } else {
        c.n = shf_print_f64(c.text, value);
    }
    return c;
}

static cell integer(int32_t value)
{
    cell c;
    c.n = shf_loss_print_i32(c.text, value);
    return c;
}

static cell absent(const sheaf_loss_tables *t)
{
    cell c = {.text = "null", .n = t->options.json ? 4 : 0};
    return c;
}

/* One row of cells; pointers, since many are the same in several rows. */
static sheaf_status put_row(const sheaf_loss_tables *t, shf_buf *out, sheaf_loss_table table, const cell *const *cells, sheaf_error *err)
{
    SHF_TRY(shf_buf_reserve(out, 16 * 2 * SHF_LOSS_NUMBER_ROOM, err));
    char *to = (char *)out->data + out->size;
    for (size_t i = 0; names_of[table][i]; i++) {
        if (t->options.json) {
            size_t n = strlen(names_of[table][i]);
            memcpy(to, i ? ", \"" : "{\"", 3);
            to += i ? 3 : 2;
            memcpy(to, names_of[table][i], n);
            memcpy(to + n, "\": ", 3);
            to += n + 3;
        } else if (i) {
            *to++ = ',';
        }
        memcpy(to, cells[i]->text, SHF_LOSS_NUMBER_ROOM);
        to += cells[i]->n;
    }
    if (t->options.json) {
        memcpy(to, "},", 2);
        to += 2;
    }
    *to++ = '\n';
    out->size = (size_t)(to - (char *)out->data);
    return SHEAF_OK;
}

typedef struct ids {
    cell event, summary, exposure;
} ids;

static sheaf_status put_selt(const sheaf_loss_tables *t, shf_buf *out, const ids *id, const shf_packet_moments *m, sheaf_error *err)
{
    for (size_t i = 0; i < m->n_samples; i++) {
        cell sidx = integer(m->sidx[i]), loss = real(t, (double)m->loss[i]);
        SHF_TRY(put_row(t, out, SHEAF_LOSS_SELT, (const cell *const[]){&id->event, &id->summary, &sidx, &loss, &id->exposure}, err));
    }
    return SHEAF_OK;
}

static cell rate_of(const sheaf_loss_tables *t, int32_t event_id)
{
    size_t low = 0, high = t->options.n_rates;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (t->options.rate_events[middle] < event_id) low = middle + 1;
        else high = middle;
    }
    if (low < t->options.n_rates && t->options.rate_events[low] == event_id) return real(t, t->options.rates[low]);
    return absent(t);
}

static sheaf_status put_melt(const sheaf_loss_tables *t, shf_buf *out, const ids *id, int32_t event_id, int32_t n_samples, double exposure,
                             const shf_packet_moments *m, sheaf_error *err)
{
    cell one = integer(1), two = integer(2), rate = rate_of(t, event_id), max = real(t, m->max_loss);
    cell analytical = real(t, m->analytical_mean), chance = real(t, m->chance), mean = real(t, m->mean), sd = real(t, m->sd);
    cell impacted = real(t, exposure * m->chance);
    const cell *first[] = {&id->event, &id->summary, &one,          &rate,         &t->zero,     &analytical,
                           &t->zero,   &max,         &id->exposure, &id->exposure, &id->exposure};
    const cell *second[] = {&id->event,
                            &id->summary,
                            &two,
                            &rate,
                            &chance,
                            &mean,
                            &sd,
                            &max,
                            &id->exposure,
                            &impacted,
                            m->chance > 0 ? &id->exposure : &t->zero};
    SHF_TRY(put_row(t, out, SHEAF_LOSS_MELT, first, err));
    return n_samples > 0 ? put_row(t, out, SHEAF_LOSS_MELT, second, err) : SHEAF_OK;
}

static sheaf_status put_qelt(const sheaf_loss_tables *t, worker *w, shf_buf *out, const ids *id, int32_t n_samples,
                             const shf_packet_moments *m, sheaf_error *err)
{
    const sheaf_loss_tables_options *o = &t->options;
    if (n_samples < 1) return SHEAF_OK;
    SHF_TRY(shf_buf_resize(&w->ranks, 2 * o->n_quantiles * sizeof(size_t), err));
    SHF_TRY(shf_buf_resize(&w->values, m->n_samples * 12 + 4, err));
    float *values = (float *)(void *)w->values.data;
    size_t *ranks = (size_t *)(void *)w->ranks.data;
    if (m->n_samples) memcpy(values, m->loss, m->n_samples * sizeof *values);
    shf_sparse_samples samples = {values, m->n_samples, m->n_samples - m->n_positive, n_samples};
    size_t n_ranks = shf_sparse_ranks(&samples, o->quantiles, o->n_quantiles, ranks);
    shf_select_f32(values, m->n_samples, ranks, n_ranks, (uint32_t *)(void *)(values + m->n_samples));
    for (size_t i = 0; i < o->n_quantiles; i++) {
        cell loss = real(t, shf_sparse_quantile(&samples, o->quantiles[i]));
        SHF_TRY(put_row(t, out, SHEAF_LOSS_QELT, (const cell *const[]){&id->event, &id->summary, &t->quantile_cells[i], &loss}, err));
    }
    return SHEAF_OK;
}

static sheaf_status put_packet(const sheaf_loss_tables *t, worker *w, shf_slice *slice)
{
    const sheaf_loss_sink *sinks = t->options.sinks;
    int32_t n_samples = w->parser.header.n_samples;
    double exposure = (double)w->csr.exposure[0];
    shf_packet_moments m;
    shf_packet_moments_of(&w->csr, 0, n_samples, &m);
    ids id = {integer(w->csr.event_id), integer(w->csr.item_id[0]), real(t, exposure)};
    if (sinks[SHEAF_LOSS_SELT]) SHF_TRY(put_selt(t, &slice->out[SHEAF_LOSS_SELT], &id, &m, &slice->error));
    if (sinks[SHEAF_LOSS_MELT]) {
        SHF_TRY(put_melt(t, &slice->out[SHEAF_LOSS_MELT], &id, w->csr.event_id, n_samples, exposure, &m, &slice->error));
    }
    return sinks[SHEAF_LOSS_QELT] ? put_qelt(t, w, &slice->out[SHEAF_LOSS_QELT], &id, n_samples, &m, &slice->error) : SHEAF_OK;
}

/* ---- the job ---- */

static sheaf_status end_packet(const sheaf_loss_tables *t, worker *w, shf_slice *slice)
{
    const shf_csr_rules rules = {w->parser.header.n_samples, SHEAF_LOSS_REFUSE, SHEAF_LOSS_REFUSE};
    sheaf_status status = shf_csr_end_item(&w->csr, &rules, &w->stats, &slice->error);
    if (status) shf_error_locate(&slice->error, NULL, NULL, -1, (int64_t)w->parser.packet_offset);
    return status ? status : put_packet(t, w, slice);
}

static void job(void *context, shf_slice *slice)
{
    const sheaf_loss_tables *t = context;
    worker *w = slice->state;
    size_t used = 0;
    for (;;) {
        shf_loss_token token;
        used += shf_loss_parser_next(&w->parser, slice->in.data + used, slice->in.size - used, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT && !shf_loss_parser_last(&w->parser, &token)) return;
        if (token.kind == SHF_LOSS_PACKET) {
            const shf_loss_parser *p = &w->parser;
            shf_csr_clear(&w->csr);
            slice->status = shf_csr_begin_item(&w->csr, p->event_id, p->item_id, p->exposure_bits, &slice->error);
        } else if (token.kind == SHF_LOSS_PAIRS) {
            slice->status = shf_csr_add(&w->csr, token.pairs, token.n_pairs, &w->stats, &slice->error);
        } else if (token.kind == SHF_LOSS_END) {
            slice->status = end_packet(t, w, slice);
        }
        if (slice->status) return;
    }
}

static void free_worker(void *state)
{
    worker *w = state;
    shf_csr_free(&w->csr);
    shf_buf_free(&w->values);
    shf_buf_free(&w->ranks);
}

/* ---- the caller's side ---- */

/* JSON rows end in ",\n": the last comma is held back until another row comes. */
static sheaf_status put_out(sheaf_loss_tables *t, size_t table, const shf_buf *rows, sheaf_error *err)
{
    if (!rows->size) return SHEAF_OK;
    size_t held = t->options.json ? 2 : 0;
    sheaf_loss_sink sink = t->options.sinks[table];
    void *context = t->options.contexts[table];
    if (held && t->any_row[table]) SHF_TRY(sink(context, ",\n", 2, err));
    t->any_row[table] = true;
    return sink(context, rows->data, rows->size - held, err);
}

static sheaf_status done(void *context, shf_slice *slice, sheaf_error *err)
{
    sheaf_loss_tables *t = context;
    for (size_t i = 0; i < SHEAF_LOSS_N_TABLES; i++) {
        if (t->options.sinks[i]) SHF_TRY(put_out(t, i, &slice->out[i], err));
    }
    return SHEAF_OK;
}

static sheaf_status check_options(const sheaf_loss_tables_options *o, sheaf_error *err)
{
    for (size_t i = 0; i < o->n_quantiles; i++) {
        if (!(o->quantiles[i] >= 0 && o->quantiles[i] <= 1)) {
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "quantile %g is not between 0 and 1", o->quantiles[i]);
        }
    }
    for (size_t i = 1; i < o->n_rates; i++) {
        if (o->rate_events[i - 1] >= o->rate_events[i]) {
            return shf_fail(err, SHEAF_ERR_ARGUMENT, "the events of the rates do not ascend: %d, then %d", o->rate_events[i - 1],
                            o->rate_events[i]);
        }
    }
    if (o->decimals > 9) return shf_fail(err, SHEAF_ERR_ARGUMENT, "%d decimals, at most 9", o->decimals);
    return SHEAF_OK;
}

static sheaf_status print_constants(sheaf_loss_tables *t, sheaf_error *err)
{
    size_t n = t->options.n_quantiles, bytes;
    t->zero = real(t, 0);
    if (!shf_mul_size(n + 1, sizeof *t->quantile_cells, &bytes)) return shf_fail_memory(err, SIZE_MAX, "quantiles");
    t->quantile_cells = shf_malloc(bytes);
    if (!t->quantile_cells) return shf_fail_memory(err, bytes, "quantiles");
    for (size_t i = 0; i < n; i++) t->quantile_cells[i] = real(t, t->options.quantiles[i]);
    return SHEAF_OK;
}

sheaf_status sheaf_loss_tables_create(const sheaf_loss_tables_options *options, sheaf_loss_tables **out, sheaf_error *err)
{
    *out = NULL;
    if (options->size_bytes == 0 || options->size_bytes > sizeof *options) {
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "table options of %zu bytes, expected at most %zu", options->size_bytes, sizeof *options);
    }
    sheaf_loss_tables *t = shf_calloc(1, sizeof *t);
    if (!t) return shf_fail_memory(err, sizeof *t, "loss tables");
    sheaf_loss_tables_options_init(&t->options);
    memcpy(&t->options, options, options->size_bytes);
    if (!t->options.quantiles) {
        t->options.quantiles = usual_quantiles;
        t->options.n_quantiles = sizeof usual_quantiles / sizeof *usual_quantiles;
    }
    const shf_pipeline_calls calls = {job, done, free_worker};
    sheaf_status status = check_options(&t->options, err);
    if (!status) status = print_constants(t, err);
    if (!status) status = shf_pipeline_create(t->options.n_threads, sizeof(worker), &calls, t, &t->pipeline, err);
    shf_loss_parser_init(&t->parser);
    if (status) sheaf_loss_tables_free(&t);
    *out = t;
    return status;
}

static sheaf_status put_names(sheaf_loss_tables *t, size_t table, sheaf_error *err)
{
    if (t->options.json) return t->options.sinks[table](t->options.contexts[table], "[\n", 2, err);
    if (!t->options.header) return SHEAF_OK;
    char line[256];
    size_t n = 0;
    for (size_t i = 0; names_of[table][i]; i++) {
        if (i) line[n++] = ',';
        size_t k = strlen(names_of[table][i]);
        memcpy(line + n, names_of[table][i], k);
        n += k;
    }
    line[n++] = '\n';
    return t->options.sinks[table](t->options.contexts[table], line, n, err);
}

static sheaf_status begin(sheaf_loss_tables *t, sheaf_error *err)
{
    const shf_loss_header *h = &t->parser.header;
    SHF_TRY(shf_loss_header_check(h, err));
    if (!shf_loss_is_summary(h)) {
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, 0, "tables are made of summary streams (3/1), this is a stream %u/%u",
                           h->word >> 24, h->word & 0xffffffu);
    }
    t->begun = true;
    for (size_t i = 0; i < SHEAF_LOSS_N_TABLES; i++) {
        if (t->options.sinks[i]) SHF_TRY(put_names(t, i, err));
    }
    return SHEAF_OK;
}

/* Submits the whole packets of the block; what is behind them begins the next one. */
static sheaf_status submit(sheaf_loss_tables *t, sheaf_error *err)
{
    shf_slice *slice = shf_pipeline_slice(t->pipeline);
    size_t rest = slice->in.size - t->whole;
    shf_buf kept = {0};
    SHF_TRY(shf_buf_append(&kept, slice->in.data + t->whole, rest, err));
    slice->in.size = t->whole;
    sheaf_status status = shf_pipeline_submit(t->pipeline, err);
    if (!status) {
        slice = shf_pipeline_slice(t->pipeline);
        memcpy(slice->state, &t->behind, sizeof t->behind);
        status = shf_buf_append(&slice->in, kept.data, rest, err);
    }
    t->whole = 0;
    shf_buf_free(&kept);
    return status;
}

/* Follows the tokens of the bytes from `at` on. */
static sheaf_status walk(sheaf_loss_tables *t, const shf_slice *slice, size_t at, sheaf_error *err)
{
    for (;;) {
        shf_loss_token token;
        at += shf_loss_parser_next(&t->parser, slice->in.data + at, slice->in.size - at, &token);
        if (token.kind == SHF_LOSS_NEED_INPUT) return SHEAF_OK;
        if (token.kind == SHF_LOSS_HEADER) SHF_TRY(begin(t, err));
        if (token.kind == SHF_LOSS_END) {
            t->stats.packets++;
            t->whole = at;
            t->behind = t->parser;
        }
    }
}

sheaf_status sheaf_loss_tables_feed(sheaf_loss_tables *t, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    const uint8_t *from = bytes;
    if (t->failed) return shf_fail(err, SHEAF_ERR_STATE, "the maker of tables has failed");
    t->failed = true;
    while (n_bytes > 0) {
        shf_slice *slice = shf_pipeline_slice(t->pipeline);
        size_t at = slice->in.size, part = n_bytes < BLOCK_BYTES ? n_bytes : BLOCK_BYTES;
        if (t->stats.bytes == 0) memcpy(slice->state, &t->parser, sizeof t->parser);
        SHF_TRY(shf_buf_append(&slice->in, from, part, err));
        SHF_TRY(walk(t, slice, at, err));
        t->stats.bytes += part;
        from += part;
        n_bytes -= part;
        if (slice->in.size >= BLOCK_BYTES && t->whole > 0) SHF_TRY(submit(t, err));
    }
    t->failed = false;
    return SHEAF_OK;
}

sheaf_status sheaf_loss_tables_finish(sheaf_loss_tables *t, sheaf_error *err)
{
    if (t->failed) return shf_fail(err, SHEAF_ERR_STATE, "the maker of tables has failed");
    t->failed = true;
    shf_loss_token token;
    bool open = shf_loss_parser_last(&t->parser, &token);
    shf_slice *slice = shf_pipeline_slice(t->pipeline);
    if (open) {
        t->stats.missing_delimiter = 1;
        t->stats.packets++;
        t->whole = slice->in.size; /* the job ends the packet itself */
    }
    if (slice->in.size) SHF_TRY(submit(t, err));
    SHF_TRY(shf_pipeline_drain(t->pipeline, err));
    for (size_t i = 0; i < SHEAF_LOSS_N_TABLES && t->options.json && t->begun; i++) {
        const char *end = t->any_row[i] ? "\n]\n" : "]\n";
        if (t->options.sinks[i]) SHF_TRY(t->options.sinks[i](t->options.contexts[i], end, strlen(end), err));
    }
    return shf_loss_parser_finish(&t->parser, err);
}

const sheaf_loss_stats *sheaf_loss_tables_stats(const sheaf_loss_tables *t)
{
    return &t->stats;
}

void sheaf_loss_tables_free(sheaf_loss_tables **tables)
{
    if (!tables || !*tables) return;
    shf_pipeline_free((*tables)->pipeline);
    shf_free((*tables)->quantile_cells);
    shf_free(*tables);
    *tables = NULL;
}
