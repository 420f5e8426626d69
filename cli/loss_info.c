// SPDX-License-Identifier: Apache-2.0
/* sheaf loss info. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "loss.h"

/* Ids seen, in an open-addressed table. */
typedef struct seen {
    int32_t *ids;
    uint8_t *used;
    size_t n, capacity;
    bool failed; /* out of memory: counts are a lower bound */
} seen;

static size_t slot_of(const seen *s, int32_t id)
{
    size_t at = ((uint32_t)id * 2654435769u) & (s->capacity - 1);
    while (s->used[at] && s->ids[at] != id) at = (at + 1) & (s->capacity - 1);
    return at;
}

static void grow(seen *s)
{
    seen larger = {.capacity = s->capacity ? 2 * s->capacity : 1024};
    larger.ids = malloc(larger.capacity * sizeof *larger.ids);
    larger.used = calloc(larger.capacity, 1);
    if (!larger.ids || !larger.used) {
        free(larger.ids);
        free(larger.used);
        s->failed = true;
        return;
    }
    for (size_t i = 0; s->used && i < s->capacity; i++) {
        if (!s->used[i]) continue;
        size_t at = slot_of(&larger, s->ids[i]);
        larger.used[at] = 1;
        larger.ids[at] = s->ids[i];
    }
    larger.n = s->n;
    free(s->ids);
    free(s->used);
    *s = larger;
}

/* True when the id was there before. */
static bool note_id(seen *s, int32_t id)
{
    if (!s->failed && 2 * (s->n + 1) > s->capacity) grow(s);
    if (s->failed || !s->used) return false;
    size_t at = slot_of(s, id);
    if (s->used[at]) return true;
    s->used[at] = 1;
    s->ids[at] = id;
    s->n++;
    return false;
}

typedef struct census {
    seen events, items, of_event;
    uint64_t returning_events, repeated_items, samples;
    int32_t largest_sidx;
} census;

static sheaf_status count_event(void *context, const sheaf_loss_event *e, sheaf_error *err)
{
    census *c = context;
    (void)err;
    c->returning_events += note_id(&c->events, e->event_id);
    if (c->of_event.used) memset(c->of_event.used, 0, c->of_event.capacity);
    c->of_event.n = 0;
    for (size_t i = 0; i < e->n_items; i++) {
        int64_t begin = e->indptr[i], end = e->indptr[i + 1], first = begin;
        note_id(&c->items, e->item_id[i]);
        c->repeated_items += note_id(&c->of_event, e->item_id[i]);
        while (first < end && e->sidx[first] < 0) first++;
        c->samples += (uint64_t)(end - first);
        if (end > begin && e->sidx[end - 1] > c->largest_sidx) c->largest_sidx = e->sidx[end - 1];
    }
    return SHEAF_OK;
}

static sheaf_status feed_reader(void *handle, const void *bytes, size_t n, sheaf_error *err)
{
    return sheaf_loss_reader_feed(handle, bytes, n, err);
}

typedef struct line {
    const char *name;
    uint64_t value;
} line;

static const char *source_of(const sheaf_loss_header *h)
{
    switch (h->word) {
    case SHEAF_LOSS_WORD(1, 1): return "ground-up losses by item (old)";
    case SHEAF_LOSS_WORD(1, 2): return "ground-up losses by coverage (old)";
    case SHEAF_LOSS_WORD(2, 1): return "losses";
    case SHEAF_LOSS_WORD(3, 1): return "summary";
    default: return "other";
    }
}

#define N_LINES 25

static void count_lines(const sheaf_loss_stats *s, const census *c, line out[N_LINES])
{
    const line lines[N_LINES] = {
        {"bytes", s->bytes},
        {"packets", s->packets},
        {"pairs", s->pairs},
        {"distinct_events", c->events.n},
        {"distinct_items", c->items.n},
        {"samples_not_zero", c->samples},
        {"explicit_zeros", s->zeros},
        {"mean", s->specials[0]},
        {"standard_deviation", s->specials[1]},
        {"insured_value", s->specials[2]},
        {"chance_or_risks", s->specials[3]},
        {"maximum", s->specials[4]},
        {"other_specials", s->specials[5]},
        {"nan", s->nans},
        {"negative", s->negatives},
        {"infinite", s->infinities},
        {"packets_without_value", s->empty},
        {"packets_unordered", s->unordered},
        {"duplicate_sidx", s->duplicates},
        {"sidx_above_samples", s->above},
        {"events_that_come_back", c->returning_events},
        {"items_repeated_in_event", c->repeated_items},
        {"bytes_beside_delimiters", s->end_bytes},
        {"missing_last_delimiter", s->missing_delimiter},
        {"lost_bytes", s->lost_bytes},
    };
    memcpy(out, lines, sizeof lines);
}

static void print_json(const sheaf_loss_header *h, const line *lines, uint64_t events, int32_t largest_sidx, const char *density)
{
    printf("{\"source\": %u, \"aggregation\": %u, \"kind\": ", h->word >> 24, h->word & 0xffffffu);
    cli_json_text(stdout, source_of(h));
    printf(", \"samples\": %d", h->n_samples);
    if (h->word >> 24 == 3) printf(", \"summary_set\": %d", h->set_id);
    for (size_t i = 0; i < N_LINES; i++) printf(", \"%s\": %" PRIu64, lines[i].name, lines[i].value);
    printf(", \"events\": %" PRIu64 ", \"largest_sidx\": %d, \"density\": %s}\n", events, largest_sidx, density);
}

static void print_text(const sheaf_loss_header *h, const line *lines, uint64_t events, int32_t largest_sidx, const char *density)
{
    printf("%-24s %u/%u %s\n%-24s %d\n", "stream", h->word >> 24, h->word & 0xffffffu, source_of(h), "samples", h->n_samples);
    if (h->word >> 24 == 3) printf("%-24s %d\n", "summary_set", h->set_id);
    printf("%-24s %" PRIu64 "\n", "events", events);
    for (size_t i = 0; i < N_LINES; i++) printf("%-24s %" PRIu64 "\n", lines[i].name, lines[i].value);
    printf("%-24s %d\n%-24s %s\n", "largest_sidx", largest_sidx, "density", density);
}

static void print(const sheaf_loss_header *h, const sheaf_loss_stats *s, const census *c, bool json)
{
    double cells = (double)s->packets * (double)(h->n_samples > 0 ? h->n_samples : 0), density = cells > 0 ? (double)c->samples / cells : 0;
    line lines[N_LINES];
    char text[32];
    count_lines(s, c, lines);
    (json ? print_json : print_text)(h, lines, s->events, c->largest_sidx, cli_real(density, text));
}

int loss_info(int argc, char **argv)
{
    bool json = false, recover = false;
    const char *path;
    const cli_option options[] = {
        {"--json", CLI_FLAG, &json, NULL, "one object", NULL},
        {"--recover", CLI_FLAG, &recover, NULL, "a cut end is counted, not an error", NULL},
        {0},
    };
    const cli_command command = {
        .verb = "loss info",
        .arguments = "INPUT",
        .what = "Reads a whole loss stream and says what is in it.",
        .example = "  sheaf loss info gul.bin\n  sheaf loss info --json - < gul.bin\n",
        .min_positional = 1,
        .max_positional = 1,
        .options = options,
    };
    int n, status = cli_parse(&command, argc, argv, &path, &n);
    if (status != CLI_CONTINUE) return status;
    sheaf_loss_reader_options reading;
    sheaf_loss_reader_options_init(&reading);
    reading.duplicate_sidx = SHEAF_LOSS_ACCEPT;
    if (recover) reading.cut_end = SHEAF_LOSS_ACCEPT;
    census c = {0};
    sheaf_loss_reader *reader;
    sheaf_error err;
    if (sheaf_loss_reader_create(&reading, count_event, &c, &reader, &err)) return cli_fail(command.verb, &err, NULL);
    sheaf_status result = loss_pump(path, feed_reader, reader, &err);
    if (!result) result = sheaf_loss_reader_finish(reader, &err);
    if (result && !err.path[0]) snprintf(err.path, sizeof err.path, "%s", path);
    if (!result) print(sheaf_loss_reader_header(reader), sheaf_loss_reader_stats(reader), &c, json);
    status = result ? cli_fail(command.verb, &err, result == SHEAF_ERR_TRUNCATED ? "--recover tells what is whole" : NULL) : CLI_DONE;
    sheaf_loss_reader_free(&reader);
    seen *all[] = {&c.events, &c.items, &c.of_event};
    for (size_t i = 0; i < 3; i++) free(all[i]->ids), free(all[i]->used);
    return status;
}
