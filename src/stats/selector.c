// SPDX-License-Identifier: Apache-2.0
#include "stats/selector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/dtype.h"
#include "base/error.h"
#include "stats/quantile.h"

#define FIRST_BITS 16
#define PIECE 512

typedef enum phase { KEEP_ALL, COUNT_FIRST, COUNT_TARGETS, COLLECT, DONE } phase;

/* A range of keys, all those that begin with `prefix`, in which wanted ranks lie. */
typedef struct target {
    uint64_t prefix;
    uint64_t below, inside; /* values before the range, and in it */
    uint64_t least, most;   /* keys seen in it while counting */
    uint64_t *counts;       /* Borrowed from `counts` of the selector: by the next `step` bits */
} target;

struct shf_selector {
    double *probabilities;
    size_t count;
    size_t capacity;   /* values that may be kept */
    size_t count_room; /* numbers that the counts may hold */
    bool skip_nan, saw_nan;
    phase phase;
    uint64_t n, n_first; /* values of this pass, of the first */
    double *kept;
    size_t n_kept, kept_room;
    uint64_t *counts;
    uint64_t *ranks; /* wanted, ascending, distinct */
    double *values;  /* of each rank, once known */
    bool *known;
    size_t n_ranks;
    target *targets;
    size_t n_targets;
    unsigned bits, step;    /* of the prefixes; counted next */
    uint16_t *first_target; /* by a key's leading 16 bits: 1 + index of the first target that begins so; 0 for none */
};

/* Unsigned integers in the order of the doubles; -0 is taken as 0. */
static inline uint64_t key_of(double value)
{
    uint64_t u;
    value += 0.0;
    memcpy(&u, &value, sizeof u);
    return u >> 63 ? ~u : u | 1ULL << 63;
}

static double value_of(uint64_t key)
{
    uint64_t u = key >> 63 ? key & ~(1ULL << 63) : ~key;
    double value;
    memcpy(&value, &u, sizeof value);
    return value;
}

static sheaf_status allocate(shf_selector *s, const double *probabilities, sheaf_error *err)
{
    size_t n = s->count ? s->count : 1;
    s->probabilities = shf_malloc(n * sizeof *s->probabilities);
    s->ranks = shf_malloc(2 * n * sizeof *s->ranks);
    s->values = shf_malloc(2 * n * sizeof *s->values);
    s->known = shf_calloc(2 * n, sizeof *s->known);
    s->targets = shf_malloc(2 * n * sizeof *s->targets);
    if (!s->probabilities || !s->ranks || !s->values || !s->known || !s->targets)
        return shf_fail_memory(err, 2 * n * sizeof(target), "a selection");
    if (s->count) memcpy(s->probabilities, probabilities, s->count * sizeof *probabilities);
    return SHEAF_OK;
}

sheaf_status shf_selector_open(const double *probabilities, size_t count, size_t memory_bytes, bool skip_nan, shf_selector **selector,
                               sheaf_error *err)
{
    *selector = NULL;
    if (count > SHF_SELECTOR_MOST)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "%zu quantiles at once: at most %d are allowed", count, SHF_SELECTOR_MOST);
    SHF_TRY(shf_quantile_check(probabilities, count, err));
    shf_selector *s = shf_calloc(1, sizeof *s);
    if (!s) return shf_fail_memory(err, sizeof *s, "a selection");
    if (memory_bytes < SHF_SELECTOR_MEMORY) memory_bytes = SHF_SELECTOR_MEMORY;
    s->count = count;
    s->skip_nan = skip_nan;
    s->count_room = memory_bytes / 2 / sizeof(uint64_t);
    s->capacity = memory_bytes / 2 / sizeof(double);
    sheaf_status status = allocate(s, probabilities, err);
    if (status) {
        shf_selector_free(s);
        return status;
    }
    *selector = s;
    return SHEAF_OK;
}

void shf_selector_free(shf_selector *selector)
{
    shf_selector *s = selector;
    if (!s) return;
    shf_free(s->probabilities);
    shf_free(s->kept);
    shf_free(s->counts);
    shf_free(s->ranks);
    shf_free(s->values);
    shf_free(s->known);
    shf_free(s->targets);
    shf_free(s->first_target);
    shf_free(s);
}

static void count_first(shf_selector *s, const double *x, size_t n)
{
    for (size_t i = 0; i < n; i++) s->counts[key_of(x[i]) >> (64 - FIRST_BITS)]++;
}

/* More values than may be kept: what is kept is counted, and goes. */
static sheaf_status begin_counting(shf_selector *s, sheaf_error *err)
{
    s->counts = shf_calloc(1U << FIRST_BITS, sizeof *s->counts);
    if (!s->counts) return shf_fail_memory(err, sizeof *s->counts << FIRST_BITS, "the counts of a selection");
    count_first(s, s->kept, s->n_kept);
    shf_free(s->kept);
    s->kept = NULL;
    s->kept_room = s->n_kept = 0;
    s->phase = COUNT_FIRST;
    return SHEAF_OK;
}

static sheaf_status keep_all(shf_selector *s, const double *x, size_t n, sheaf_error *err)
{
    if (n > s->capacity - s->n_kept) {
        SHF_TRY(begin_counting(s, err));
        count_first(s, x, n);
        return SHEAF_OK;
    }
    if (n > s->kept_room - s->n_kept) {
        size_t room = s->kept_room * 2 > 2 * PIECE ? s->kept_room * 2 : 2 * PIECE;
        if (room > s->capacity) room = s->capacity;
        double *kept = shf_realloc(s->kept, room * sizeof *kept);
        if (!kept) return shf_fail_memory(err, room * sizeof *kept, "the values of a selection");
        s->kept = kept;
        s->kept_room = room;
    }
    memcpy(s->kept + s->n_kept, x, n * sizeof *x);
    s->n_kept += n;
    return SHEAF_OK;
}

static inline target *target_of(const shf_selector *s, uint64_t key)
{
    size_t i = s->first_target[key >> (64 - FIRST_BITS)];
    if (i == 0) return NULL;
    const uint64_t prefix = key >> (64 - s->bits);
    for (i--; i < s->n_targets && s->targets[i].prefix <= prefix; i++) {
        if (s->targets[i].prefix == prefix) return &s->targets[i];
    }
    return NULL;
}

static void count_targets(shf_selector *s, const double *x, size_t n)
{
    const unsigned shift = 64 - s->bits - s->step;
    const uint64_t mask = (1ULL << s->step) - 1;
    for (size_t i = 0; i < n; i++) {
        uint64_t key = key_of(x[i]);
        target *t = target_of(s, key);
        if (!t) continue;
        t->counts[key >> shift & mask]++;
        if (key < t->least) t->least = key;
        if (key > t->most) t->most = key;
    }
}

static sheaf_status collect(shf_selector *s, const double *x, size_t n, sheaf_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (!target_of(s, key_of(x[i]))) continue;
        if (s->n_kept == s->kept_room) return shf_fail(err, SHEAF_ERR_MISMATCH, "the data of a selection changed between two passes");
        s->kept[s->n_kept++] = x[i];
    }
    return SHEAF_OK;
}

static sheaf_status take_piece(shf_selector *s, double *x, size_t n, sheaf_error *err)
{
    size_t there = 0;
    for (size_t i = 0; i < n; i++) {
        x[there] = x[i];
        there += isnan(x[i]) ? 0 : 1;
    }
    if (there < n && !s->skip_nan) s->saw_nan = true;
    s->n += s->skip_nan ? there : n;
    switch (s->phase) {
    case KEEP_ALL: return keep_all(s, x, there, err);
    case COUNT_FIRST: count_first(s, x, there); return SHEAF_OK;
    case COUNT_TARGETS: count_targets(s, x, there); return SHEAF_OK;
    case COLLECT: return collect(s, x, there, err);
    case DONE: break;
    }
    return shf_fail(err, SHEAF_ERR_STATE, "a selection that is done takes no more values");
}

sheaf_status shf_selector_add(shf_selector *selector, sheaf_dtype dtype, const void *values, size_t n, sheaf_error *err)
{
    double piece[PIECE];
    const size_t size = sheaf_dtype_size(dtype);
    for (size_t at = 0; at < n; at += PIECE) {
        size_t count = n - at < PIECE ? n - at : PIECE;
        shf_dtype_convert(dtype, (const char *)values + at * size, SHEAF_F64, piece, count);
        SHF_TRY(take_piece(selector, piece, count, err));
    }
    return SHEAF_OK;
}

static int compare_ranks(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void want_ranks(shf_selector *s)
{
    size_t n = 0, distinct = 0;
    for (size_t i = 0; i < s->count; i++) {
        shf_quantile_place place = shf_quantile_place_of(s->n, s->probabilities[i]);
        s->ranks[n++] = place.rank;
        if (place.weight > 0) s->ranks[n++] = place.rank + 1;
    }
    qsort(s->ranks, n, sizeof *s->ranks, compare_ranks);
    for (size_t i = 0; i < n; i++) {
        if (distinct == 0 || s->ranks[distinct - 1] != s->ranks[i]) s->ranks[distinct++] = s->ranks[i];
    }
    s->n_ranks = distinct;
}

/* The ranges, one level finer, that the ranks not known yet fall into within `from`; *next is the first of these ranks. */
static size_t split(const shf_selector *s, const target *from, size_t *next, target *to)
{
    size_t made = 0;
    uint64_t below = from->below;
    for (uint64_t b = 0; b < 1ULL << s->step && *next < s->n_ranks; b++) {
        uint64_t inside = from->counts[b];
        if (s->ranks[*next] < below + inside) {
            to[made++] = (target){.prefix = from->prefix << s->step | b, .below = below, .inside = inside, .least = UINT64_MAX};
            while (*next < s->n_ranks && s->ranks[*next] < below + inside) ++*next;
        }
        below += inside;
    }
    return made;
}

static void refine(shf_selector *s, target *finer)
{
    size_t made = 0, next = 0;
    for (size_t i = 0; i < s->n_targets; i++) {
        target *t = &s->targets[i];
        while (next < s->n_ranks && s->ranks[next] < t->below) next++; /* known already */
        if (t->least < t->most) {
            made += split(s, t, &next, finer + made);
            continue;
        }
        for (; next < s->n_ranks && s->ranks[next] < t->below + t->inside; next++) { /* all equal */
            s->values[next] = value_of(t->least);
            s->known[next] = true;
        }
    }
    memcpy(s->targets, finer, made * sizeof *finer);
    s->n_targets = made;
    s->bits += s->step;
}

static sheaf_status refine_all(shf_selector *s, sheaf_error *err)
{
    size_t size = s->n_ranks * sizeof(target);
    target *finer = shf_malloc(size);
    if (!finer) return shf_fail_memory(err, size, "the ranges of a selection");
    refine(s, finer);
    shf_free(finer);
    return SHEAF_OK;
}

static void index_targets(shf_selector *s)
{
    memset(s->first_target, 0, sizeof *s->first_target << FIRST_BITS);
    for (size_t i = s->n_targets; i-- > 0;) s->first_target[s->targets[i].prefix >> (s->bits - FIRST_BITS)] = (uint16_t)(i + 1);
}

static sheaf_status prepare_counts(shf_selector *s, sheaf_error *err)
{
    s->step = FIRST_BITS;
    while (s->step > 1 && s->n_targets << s->step > s->count_room) s->step--;
    if (s->step > 64 - s->bits) s->step = 64 - s->bits;
    size_t each = (size_t)1 << s->step;
    s->counts = shf_calloc(s->n_targets * each, sizeof *s->counts);
    if (!s->counts) return shf_fail_memory(err, s->n_targets * each * sizeof *s->counts, "the counts of a selection");
    for (size_t i = 0; i < s->n_targets; i++) s->targets[i].counts = s->counts + i * each;
    s->phase = COUNT_TARGETS;
    return SHEAF_OK;
}

/* After counting: what the next pass does. */
static sheaf_status plan(shf_selector *s, sheaf_error *err)
{
    uint64_t total = 0;
    shf_free(s->counts);
    s->counts = NULL;
    for (size_t i = 0; i < s->n_targets; i++) total += s->targets[i].inside;
    if (s->n_targets == 0) {
        s->phase = DONE;
        return SHEAF_OK;
    }
    if (!s->first_target) s->first_target = shf_malloc(sizeof *s->first_target << FIRST_BITS);
    if (!s->first_target) return shf_fail_memory(err, sizeof *s->first_target << FIRST_BITS, "the index of a selection");
    index_targets(s);
    if (total > s->capacity) return prepare_counts(s, err);
    s->kept = shf_malloc((size_t)total * sizeof *s->kept);
    if (!s->kept) return shf_fail_memory(err, (size_t)total * sizeof *s->kept, "the values of a selection");
    s->kept_room = (size_t)total;
    s->phase = COLLECT;
    return SHEAF_OK;
}

/* After the first pass with counts: the whole range is one target. */
static sheaf_status end_first(shf_selector *s, sheaf_error *err)
{
    want_ranks(s);
    s->step = FIRST_BITS;
    s->n_targets = s->n_ranks ? 1 : 0;
    s->targets[0] = (target){.inside = s->n, .least = 0, .most = UINT64_MAX, .counts = s->counts};
    if (s->n_targets) SHF_TRY(refine_all(s, err));
    return plan(s, err);
}

/* The kept values are those of the targets, one range after the other once they are in order. */
static sheaf_status select_kept(shf_selector *s, sheaf_error *err)
{
    size_t *places = shf_malloc((s->n_ranks ? s->n_ranks : 1) * sizeof *places), n = 0, next = 0, before = 0;
    if (!places) return shf_fail_memory(err, s->n_ranks * sizeof *places, "ranks");
    for (size_t i = 0; i < s->n_targets; i++) {
        const target *t = &s->targets[i];
        while (next < s->n_ranks && s->ranks[next] < t->below) next++;
        for (; next < s->n_ranks && s->ranks[next] < t->below + t->inside; next++)
            places[n++] = (size_t)(s->ranks[next] - t->below) + before;
        before += (size_t)t->inside;
    }
    shf_select(s->kept, s->n_kept, places, n);
    for (size_t r = 0, k = 0; r < s->n_ranks; r++) {
        if (!s->known[r]) s->values[r] = s->kept[places[k++]] + 0.0;
        s->known[r] = true;
    }
    shf_free(places);
    s->phase = DONE;
    return SHEAF_OK;
}

static sheaf_status end_pass(shf_selector *s, sheaf_error *err)
{
    switch (s->phase) {
    case KEEP_ALL:
        want_ranks(s);
        s->n_targets = s->n_kept ? 1 : 0;
        s->targets[0] = (target){.inside = s->n_kept};
        return select_kept(s, err);
    case COUNT_FIRST: return end_first(s, err);
    case COUNT_TARGETS: SHF_TRY(refine_all(s, err)); return plan(s, err);
    case COLLECT:
        if (s->n_kept != s->kept_room) return shf_fail(err, SHEAF_ERR_MISMATCH, "the data of a selection changed between two passes");
        return select_kept(s, err);
    case DONE: break;
    }
    return SHEAF_OK;
}

sheaf_status shf_selector_again(shf_selector *selector, bool *again, sheaf_error *err)
{
    shf_selector *s = selector;
    *again = false;
    if (s->phase == DONE) return SHEAF_OK;
    if (s->phase == KEEP_ALL || s->phase == COUNT_FIRST) {
        s->n_first = s->n;
    } else if (s->n != s->n_first) {
        return shf_fail(err, SHEAF_ERR_MISMATCH, "a pass of a selection had %llu values, the first had %llu", (unsigned long long)s->n,
                        (unsigned long long)s->n_first);
    }
    if (s->saw_nan || s->n == 0) s->phase = DONE;
    else SHF_TRY(end_pass(s, err));
    *again = s->phase != DONE;
    if (*again) s->n = 0;
    return SHEAF_OK;
}

static double known_value(const shf_selector *s, uint64_t rank)
{
    const uint64_t *at = bsearch(&rank, s->ranks, s->n_ranks, sizeof *s->ranks, compare_ranks);
    return at ? s->values[at - s->ranks] : (double)NAN;
}

sheaf_status shf_selector_result(const shf_selector *selector, double *out, sheaf_error *err)
{
    const shf_selector *s = selector;
    if (s->phase != DONE) return shf_fail(err, SHEAF_ERR_STATE, "a selection is not done: another pass is needed");
    for (size_t i = 0; i < s->count; i++) {
        out[i] = (double)NAN;
        if (s->saw_nan || s->n_first == 0) continue;
        shf_quantile_place place = shf_quantile_place_of(s->n_first, s->probabilities[i]);
        double a = known_value(s, place.rank), b = place.weight > 0 ? known_value(s, place.rank + 1) : a;
        out[i] = shf_quantile_between(a, b, place.weight);
    }
    return SHEAF_OK;
}

uint64_t shf_selector_count(const shf_selector *selector)
{
    return selector->n_first;
}
