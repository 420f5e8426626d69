// SPDX-License-Identifier: Apache-2.0
/* Text to stream. Blocks are whole lines; each becomes packets, and the caller's side joins the packet that two blocks share. */
#include "sheaf/loss.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "format/loss_stream.h"
#include "format/loss_text.h"
#include "loss/pipeline.h"

#define BLOCK_BYTES ((size_t)1 << 20)
#define MAX_LINE ((size_t)1 << 16)

typedef struct key {
    int32_t event_id, item_id;
    uint32_t exposure_bits;
} key;

/* What a block has become, beside its bytes. */
typedef struct block {
    uint64_t n_lines;  /* of the block, up to a bad one */
    size_t bad;        /* where the bad line begins, SIZE_MAX: none */
    bool any, open;    /* has lines; its last packet goes on */
    bool no_delimiter; /* the remark that the stream's last delimiter was left out */
    key first, last;
    int32_t max_sidx;
} block;

struct sheaf_loss_parse {
    sheaf_loss_parse_options options;
    shf_loss_header header;
    sheaf_loss_sink sink;
    void *context;
    shf_pipeline *pipeline;
    shf_buf head; /* lines before the first row */
    bool begun, failed, open, no_delimiter, has_exposure;
    key last;
    int32_t max_sidx;
    uint64_t line, bytes_out;
};

void sheaf_loss_parse_options_init(sheaf_loss_parse_options *options)
{
    *options = (sheaf_loss_parse_options){.size_bytes = sizeof *options, .n_samples = -1, .set_id = 1, .last_delimiter = true};
}

/* ---- the job ---- */

static sheaf_status bad_line(const char *line, const char *end, uint64_t number, sheaf_error *err)
{
    const char *stop = memchr(line, '\n', (size_t)(end - line));
    size_t n = (size_t)((stop ? stop : end) - line);
    return shf_fail(err, SHEAF_ERR_INPUT, "line %llu is no row of a loss table: \"%.*s\"", (unsigned long long)number,
                    (int)(n < 60 ? n : 60), line);
}

/* One row; NULL when it is none. */
static const char *read_row(const char *p, const char *end, bool exposure, key *k, int32_t *sidx, uint32_t *bits)
{
    if (!(p = shf_loss_read_i32(p, end, &k->event_id)) || p == end || *p++ != ',') return NULL;
    if (!(p = shf_loss_read_i32(p, end, &k->item_id)) || p == end || *p++ != ',') return NULL;
    if (!(p = shf_loss_read_i32(p, end, sidx)) || p == end || *p++ != ',') return NULL;
    if (!(p = shf_loss_read_bits(p, end, bits))) return NULL;
    k->exposure_bits = 0;
    if (exposure && (p == end || *p++ != ',' || !(p = shf_loss_read_bits(p, end, &k->exposure_bits)))) return NULL;
    if (p < end && *p == '\r') p++;
    if (p < end && *p++ != '\n') return NULL;
    return p;
}

/* Where a block's packets go. A row of 8 characters or more becomes at most 28 bytes, so room is made once. */
typedef struct output {
    uint8_t *to;
    char prefix[64]; /* the ids of the packet at work as the text has them */
    size_t prefix_n;
} output;

static inline void put_pair(block *b, output *o, int32_t sidx, uint32_t bits)
{
    shf_set_u32(o->to, (uint32_t)sidx);
    shf_set_u32(o->to + 4, bits);
    o->to += 8;
    b->open = sidx != 0;
    if (sidx > b->max_sidx) b->max_sidx = sidx;
}

static void put_row(const sheaf_loss_parse *parse, block *b, output *o, const key *k, int32_t sidx, uint32_t bits)
{
    bool same =
        b->any && b->open && k->event_id == b->last.event_id && k->item_id == b->last.item_id && k->exposure_bits == b->last.exposure_bits;
    if (!same) {
        if (b->open) {
            shf_set_u64(o->to, 0);
            o->to += 8;
        }
        shf_set_u32(o->to, (uint32_t)k->event_id);
        shf_set_u32(o->to + 4, (uint32_t)k->item_id);
        shf_set_u32(o->to + 8, k->exposure_bits);
        o->to += shf_loss_header_bytes(&parse->header);
        if (!b->any) b->first = *k;
        b->any = true;
        b->last = *k;
        o->prefix_n = shf_loss_print_i32(o->prefix, k->event_id);
        o->prefix[o->prefix_n++] = ',';
        o->prefix_n += shf_loss_print_i32(o->prefix + o->prefix_n, k->item_id);
        o->prefix[o->prefix_n++] = ',';
    }
    put_pair(b, o, sidx, bits);
}

static bool begins(const char *p, const char *end, const char *text)
{
    size_t n = strlen(text);
    return (size_t)(end - p) >= n && memcmp(p, text, n) == 0;
}

/* A remark, or an empty line. */
static void take_remark(const sheaf_loss_parse *parse, block *b, output *o, const char *p, const char *end)
{
    static const char empty[] = "# empty packet ";
    key k;
    int32_t sidx;
    uint32_t bits;
    b->no_delimiter |= begins(p, end, "# no last delimiter");
    if (!begins(p, end, empty) || !read_row(p + sizeof empty - 1, end, parse->has_exposure, &k, &sidx, &bits) || sidx != 0) return;
    /* An empty packet that goes on: the delimiter is taken back. */
    put_row(parse, b, o, &k, 0, 0);
    o->to -= 8;
    b->open = true;
}

static void job(void *context, shf_slice *slice)
{
    const sheaf_loss_parse *parse = context;
    block *b = slice->state;
    const char *p = (const char *)slice->in.data, *end = p + slice->in.size;
    *b = (block){.bad = SIZE_MAX};
    slice->status = shf_buf_reserve(&slice->out[0], slice->in.size * 4 + 64, &slice->error);
    if (slice->status) return;
    output o = {.to = slice->out[0].data, .prefix_n = 0};
    for (; p < end; b->n_lines++) {
        key k;
        int32_t sidx;
        uint32_t bits;
        const char *next = b->open && !parse->has_exposure ? shf_loss_read_line(p, end, o.prefix, o.prefix_n, &sidx, &bits) : NULL;
        if (next) {
            put_pair(b, &o, sidx, bits);
        } else if ((next = read_row(p, end, parse->has_exposure, &k, &sidx, &bits)) != NULL) {
            put_row(parse, b, &o, &k, sidx, bits);
        } else if (*p == '#' || *p == '\n' || *p == '\r') {
            take_remark(parse, b, &o, p, end);
            next = memchr(p, '\n', (size_t)(end - p));
            next = next ? next + 1 : end;
        } else {
            b->bad = (size_t)(p - (const char *)slice->in.data);
            return;
        }
        p = next;
    }
    slice->out[0].size = (size_t)(o.to - slice->out[0].data);
}

/* ---- the caller's side ---- */

static sheaf_status put(sheaf_loss_parse *parse, const void *bytes, size_t n, sheaf_error *err)
{
    parse->bytes_out += n;
    return n ? parse->sink(parse->context, bytes, n, err) : SHEAF_OK;
}

static sheaf_status done(void *context, shf_slice *slice, sheaf_error *err)
{
    sheaf_loss_parse *parse = context;
    const block *b = slice->state;
    size_t skip = 0;
    parse->no_delimiter |= b->no_delimiter;
    if (b->bad != SIZE_MAX) {
        const char *text = (const char *)slice->in.data;
        return bad_line(text + b->bad, text + slice->in.size, parse->line + b->n_lines, err);
    }
    parse->line += b->n_lines;
    if (!b->any) return SHEAF_OK;
    if (parse->open) {
        static const uint8_t delimiter[8];
        bool same = b->first.event_id == parse->last.event_id && b->first.item_id == parse->last.item_id &&
                    b->first.exposure_bits == parse->last.exposure_bits;
        if (same) skip = shf_loss_header_bytes(&parse->header);
        else SHF_TRY(put(parse, delimiter, sizeof delimiter, err));
    }
    parse->open = b->open;
    parse->last = b->last;
    if (b->max_sidx > parse->max_sidx) parse->max_sidx = b->max_sidx;
    return put(parse, slice->out[0].data + skip, slice->out[0].size - skip, err);
}

sheaf_status sheaf_loss_parse_create(const sheaf_loss_parse_options *options, sheaf_loss_sink sink, void *context, sheaf_loss_parse **out,
                                     sheaf_error *err)
{
    *out = NULL;
    sheaf_loss_parse *parse = shf_calloc(1, sizeof *parse);
    if (!parse) return shf_fail_memory(err, sizeof *parse, "a text reader");
    sheaf_loss_parse_options_init(&parse->options);
    sheaf_status status = SHEAF_OK;
    if (options && (options->size_bytes == 0 || options->size_bytes > sizeof *options)) {
        status = shf_fail(err, SHEAF_ERR_ARGUMENT, "text options of %zu bytes, expected at most %zu", options->size_bytes, sizeof *options);
    } else if (options) {
        memcpy(&parse->options, options, options->size_bytes);
    }
    const shf_pipeline_calls calls = {job, done, NULL};
    if (!status) status = shf_pipeline_create(parse->options.n_threads, sizeof(block), &calls, parse, &parse->pipeline, err);
    parse->sink = sink;
    parse->context = context;
    parse->line = 1;
    if (status) sheaf_loss_parse_free(&parse);
    *out = parse;
    return status;
}

/* "# loss stream word W samples S set I" */
static bool read_words(const char *p, const char *end, shf_loss_header *h)
{
    static const char *const before[] = {"# loss stream word ", " samples ", " set "};
    int32_t values[3];
    for (size_t i = 0; i < 3; i++) {
        size_t n = strlen(before[i]);
        if ((size_t)(end - p) < n || memcmp(p, before[i], n) != 0) return false;
        p = shf_loss_read_i32(p + n, end, &values[i]);
        if (!p) return false;
    }
    *h = (shf_loss_header){(uint32_t)values[0], values[1], values[2]};
    return true;
}

/* The line of names must be ID,ID,sidx,loss or ID,ID,sidx,loss,EXPOSURE. */
static sheaf_status check_columns(const char *line, sheaf_error *err)
{
    char names[5][32] = {{0}};
    size_t n = 0, k = 0;
    for (const char *p = line; *p && *p != '\n'; p++) {
        if (*p == ',') n++, k = 0;
        else if (*p != ' ' && *p != '"' && *p != '\r' && n < 5 && k < 31) names[n][k++] = *p;
    }
    if (n >= 3 && n <= 4 && strcmp(names[2], "sidx") == 0 && strcmp(names[3], "loss") == 0) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_INPUT, "the columns must be event_id,item_id,sidx,loss, not \"%.*s\"", (int)strcspn(line, "\r\n"), line);
}

/* Settles the header from the options and the lines before the first row. */
static sheaf_status begin(sheaf_loss_parse *parse, const char *columns, size_t n, const shf_loss_header *noted, sheaf_error *err)
{
    shf_loss_header *h = &parse->header;
    char line[128] = "";
    memcpy(line, columns, n < sizeof line - 1 ? n : sizeof line - 1);
    bool summary = strstr(line, "summary_id") != NULL, coverage = strstr(line, "coverage_id") != NULL;
    if (line[0]) SHF_TRY(check_columns(line, err));
    *h = (shf_loss_header){summary ? SHEAF_LOSS_WORD_SUMMARY : coverage ? SHEAF_LOSS_WORD(1, 2) : SHEAF_LOSS_WORD_LOSS, 0, 0};
    if (noted->word) *h = *noted;
    if (parse->options.word) h->word = parse->options.word;
    if (parse->options.n_samples >= 0) h->n_samples = parse->options.n_samples;
    else if (!noted->word) parse->header.n_samples = 0;
    if (!noted->word && shf_loss_is_summary(h)) h->set_id = parse->options.set_id;
    parse->has_exposure = strstr(line, "exposure") != NULL;
    SHF_TRY(shf_loss_header_check(h, err));
    if (noted->word) parse->options.n_samples = h->n_samples;
    if (parse->has_exposure && !shf_loss_is_summary(h)) {
        return shf_fail(err, SHEAF_ERR_INPUT, "the table has a column of exposure, but the stream %u/%u has none", h->word >> 24,
                        h->word & 0xffffffu);
    }
    uint8_t words[SHF_LOSS_MAX_HEADER_BYTES];
    parse->begun = true;
    return put(parse, words, shf_loss_header_write(h, words), err);
}

/* Takes the lines before the first row out of parse->head. *ready is false while more is needed. */
static sheaf_status take_head(sheaf_loss_parse *parse, bool last, bool *ready, sheaf_error *err)
{
    shf_loss_header noted = {0, 0, 0};
    *ready = false;
    if (parse->head.size == 0) return last ? begin(parse, "", 0, &noted, err) : SHEAF_OK;
    const char *p = (const char *)parse->head.data, *end = p + parse->head.size;
    for (uint64_t number = 1; p < end; number++) {
        const char *stop = memchr(p, '\n', (size_t)(end - p));
        if (!stop && !last) {
            if ((size_t)(end - p) > MAX_LINE) return bad_line(p, end, number, err);
            return SHEAF_OK;
        }
        const char *next = stop ? stop + 1 : end;
        if (*p == '#') {
            read_words(p, next, &noted);
            p = next;
            continue;
        }
        bool columns = *p != '-' && (unsigned char)(*p - '0') > 9;
        SHF_TRY(begin(parse, columns ? p : "", columns ? (size_t)(next - p) : 0, &noted, err));
        if (columns) p = next, number++;
        parse->line = number;
        memmove(parse->head.data, p, (size_t)(end - p));
        parse->head.size = (size_t)(end - p);
        *ready = true;
        return SHEAF_OK;
    }
    return last ? begin(parse, "", 0, &noted, err) : SHEAF_OK;
}

/* Appends to the block at work, submits it when it is full, up to its last line end. */
static sheaf_status feed_rows(sheaf_loss_parse *parse, const char *from, size_t n, sheaf_error *err)
{
    while (n > 0) {
        shf_slice *slice = shf_pipeline_slice(parse->pipeline);
        size_t room = BLOCK_BYTES - slice->in.size, part = n < room ? n : room;
        SHF_TRY(shf_buf_append(&slice->in, from, part, err));
        from += part;
        n -= part;
        if (slice->in.size < BLOCK_BYTES) return SHEAF_OK;
        const char *begin_of = (const char *)slice->in.data, *stop = memrchr(begin_of, '\n', slice->in.size);
        if (!stop) return bad_line(begin_of, begin_of + slice->in.size, parse->line, err);
        size_t whole = (size_t)(stop + 1 - begin_of), rest = slice->in.size - whole;
        if (rest > MAX_LINE) return bad_line(stop + 1, begin_of + slice->in.size, parse->line, err);
        char kept[MAX_LINE];
        memcpy(kept, stop + 1, rest);
        slice->in.size = whole;
        SHF_TRY(shf_pipeline_submit(parse->pipeline, err));
        SHF_TRY(shf_buf_append(&shf_pipeline_slice(parse->pipeline)->in, kept, rest, err));
    }
    return SHEAF_OK;
}

static sheaf_status feed(sheaf_loss_parse *parse, const void *bytes, size_t n, bool last, sheaf_error *err)
{
    if (parse->begun) return feed_rows(parse, bytes, n, err);
    bool ready;
    SHF_TRY(shf_buf_append(&parse->head, bytes, n, err));
    SHF_TRY(take_head(parse, last, &ready, err));
    return ready ? feed_rows(parse, (const char *)parse->head.data, parse->head.size, err) : SHEAF_OK;
}

sheaf_status sheaf_loss_parse_feed(sheaf_loss_parse *parse, const void *bytes, size_t n_bytes, sheaf_error *err)
{
    if (parse->failed) return shf_fail(err, SHEAF_ERR_STATE, "the text reader has failed");
    sheaf_status status = n_bytes ? feed(parse, bytes, n_bytes, false, err) : SHEAF_OK;
    parse->failed = status != SHEAF_OK;
    return status;
}

sheaf_status sheaf_loss_parse_finish(sheaf_loss_parse *parse, sheaf_loss_header *header, sheaf_error *err)
{
    if (parse->failed) return shf_fail(err, SHEAF_ERR_STATE, "the text reader has failed");
    parse->failed = true;
    if (!parse->begun) SHF_TRY(feed(parse, "", 0, true, err));
    shf_slice *slice = shf_pipeline_slice(parse->pipeline);
    if (slice->in.size) SHF_TRY(shf_pipeline_submit(parse->pipeline, err));
    SHF_TRY(shf_pipeline_drain(parse->pipeline, err));
    static const uint8_t delimiter[8];
    if (parse->open && parse->options.last_delimiter && !parse->no_delimiter) SHF_TRY(put(parse, delimiter, sizeof delimiter, err));
    if (parse->options.n_samples < 0) parse->header.n_samples = parse->max_sidx;
    *header = (sheaf_loss_header){parse->header.word, parse->header.n_samples, parse->header.set_id};
    return SHEAF_OK;
}

void sheaf_loss_parse_free(sheaf_loss_parse **parse)
{
    if (!parse || !*parse) return;
    shf_pipeline_free((*parse)->pipeline);
    shf_buf_free(&(*parse)->head);
    shf_free(*parse);
    *parse = NULL;
}
