// SPDX-License-Identifier: Apache-2.0
#include "loss/csr.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "loss/compact.h"
#include "loss/sort.h"

/* Grows an array of elements to at least `need`; *capacity is not changed here. */
static sheaf_status grow(void *array_of, size_t element, size_t need, sheaf_error *err)
{
    void *old, *grown;
    size_t bytes;
    memcpy(&old, array_of, sizeof old);
    if (!shf_mul_size(need, element, &bytes)) return shf_fail_memory(err, SIZE_MAX, "a sparse event");
    grown = shf_realloc(old, bytes);
    if (!grown) return shf_fail_memory(err, bytes, "a sparse event");
    memcpy(array_of, &grown, sizeof grown);
    return SHEAF_OK;
}

static size_t next_capacity(size_t capacity, size_t need)
{
    size_t twice = capacity > SIZE_MAX / 2 ? need : capacity + capacity / 2;
    return twice > need ? twice : need;
}

static sheaf_status reserve_items(shf_csr *csr, size_t extra, sheaf_error *err)
{
    size_t need = csr->n_items + extra;
    if (need < csr->item_capacity && csr->indptr) return SHEAF_OK;
    size_t capacity = next_capacity(csr->item_capacity, need + 64);
    bool fresh = csr->indptr == NULL;
    SHF_TRY(grow(&csr->indptr, sizeof *csr->indptr, capacity + 1, err));
    if (fresh) csr->indptr[0] = 0;
    SHF_TRY(grow(&csr->item_id, sizeof *csr->item_id, capacity, err));
    SHF_TRY(grow(&csr->pass_through, sizeof *csr->pass_through, capacity, err));
    SHF_TRY(grow(&csr->exposure, sizeof *csr->exposure, capacity, err));
    csr->item_capacity = capacity;
    return SHEAF_OK;
}

/* Room for n more pairs, and 4 beyond for vector stores. */
static sheaf_status reserve_pairs(shf_csr *csr, size_t n, sheaf_error *err)
{
    size_t need = csr->n_pairs + n + 8;
    if (need <= csr->pair_capacity) return SHEAF_OK;
    size_t capacity = next_capacity(csr->pair_capacity, need + 1024);
    SHF_TRY(grow(&csr->sidx, sizeof *csr->sidx, capacity, err));
    SHF_TRY(grow(&csr->loss, sizeof *csr->loss, capacity, err));
    csr->pair_capacity = capacity;
    return SHEAF_OK;
}

static sheaf_status reserve_dropped(shf_csr *csr, size_t n, sheaf_error *err)
{
    size_t need = csr->n_dropped + n + 8;
    if (need <= csr->dropped_capacity) return SHEAF_OK;
    size_t capacity = next_capacity(csr->dropped_capacity, need + 1024);
    SHF_TRY(grow(&csr->dropped, sizeof *csr->dropped, capacity, err));
    csr->dropped_capacity = capacity;
    return SHEAF_OK;
}

void shf_csr_clear(shf_csr *csr)
{
    csr->has_event = csr->open = false;
    csr->n_items = csr->n_pairs = csr->n_dropped = 0;
}

void shf_csr_free(shf_csr *csr)
{
    shf_free(csr->indptr);
    shf_free(csr->item_id);
    shf_free(csr->pass_through);
    shf_free(csr->exposure);
    shf_free(csr->sidx);
    shf_free(csr->loss);
    shf_free(csr->dropped);
    shf_free(csr->scratch);
    memset(csr, 0, sizeof *csr);
}

sheaf_status shf_csr_begin_item(shf_csr *csr, int32_t event_id, int32_t item_id, uint32_t exposure_bits, sheaf_error *err)
{
    SHF_TRY(reserve_items(csr, 1, err));
    csr->event_id = event_id;
    csr->has_event = csr->open = true;
    csr->item_id[csr->n_items] = item_id;
    csr->pass_through[csr->n_items] = 0;
    memcpy(&csr->exposure[csr->n_items], &exposure_bits, 4);
    csr->unordered = false;
    csr->item_start = csr->n_pairs;
    csr->n_dropped = 0;
    csr->last_sidx = INT64_MIN;
    return SHEAF_OK;
}

sheaf_status shf_csr_add(shf_csr *csr, const uint8_t *pairs, size_t n, sheaf_loss_stats *stats, sheaf_error *err)
{
    if (n > SIZE_MAX / 16) return shf_fail_memory(err, SIZE_MAX, "a sparse event");
    SHF_TRY(reserve_pairs(csr, n, err));
    SHF_TRY(reserve_dropped(csr, n, err));
    shf_compact c = {
        .sidx = csr->sidx + csr->n_pairs,
        .loss = csr->loss + csr->n_pairs,
        .dropped = csr->dropped + csr->n_dropped,
        .last_sidx = csr->last_sidx,
        .pass_through = csr->pass_through[csr->n_items],
        .unordered = csr->unordered,
        .stats = stats,
    };
    shf_compact_pairs(&c, pairs, n);
    csr->n_pairs += c.kept;
    csr->n_dropped += c.n_dropped;
    csr->last_sidx = c.last_sidx;
    csr->pass_through[csr->n_items] = c.pass_through;
    csr->unordered = c.unordered;
    stats->pairs += n;
    return SHEAF_OK;
}

/* Sorts the item's pairs and drops (or refuses) what came twice. */
static sheaf_status settle_order(shf_csr *csr, const shf_csr_rules *rules, sheaf_loss_stats *stats, sheaf_error *err)
{
    size_t n = csr->n_pairs - csr->item_start, most = n > csr->n_dropped ? n : csr->n_dropped;
    if (csr->scratch_capacity < 2 * most) {
        SHF_TRY(grow(&csr->scratch, sizeof *csr->scratch, 2 * most, err));
        csr->scratch_capacity = 2 * most;
    }
    int32_t *sidx = csr->sidx + csr->item_start, twice = 0;
    float *loss = csr->loss + csr->item_start;
    shf_sort_pairs(sidx, loss, n, csr->scratch);
    shf_sort_sidx(csr->dropped, csr->n_dropped, csr->scratch);
    size_t kept = 0, duplicates = 0, d = 0;
    for (size_t i = 0; i < csr->n_dropped; i++) {
        if (i && csr->dropped[i] == csr->dropped[i - 1]) duplicates++, twice = csr->dropped[i];
    }
    for (size_t i = 0; i < n; i++) {
        if (kept && sidx[i] == sidx[kept - 1]) {
            duplicates++, twice = sidx[i];
            continue;
        }
        while (d < csr->n_dropped && csr->dropped[d] < sidx[i]) d++;
        if (d < csr->n_dropped && csr->dropped[d] == sidx[i]) duplicates++, twice = sidx[i];
        sidx[kept] = sidx[i];
        loss[kept++] = loss[i];
    }
    csr->n_pairs = csr->item_start + kept;
    stats->unordered++;
    stats->duplicates += duplicates;
    if (!duplicates || rules->duplicate_sidx == SHEAF_LOSS_ACCEPT) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_DUPLICATE, "event %d, item %d has sidx %d twice", csr->event_id, csr->item_id[csr->n_items], twice);
}

static sheaf_status check_above(const shf_csr *csr, const shf_csr_rules *rules, sheaf_loss_stats *stats, sheaf_error *err)
{
    size_t i = csr->n_pairs;
    while (i > csr->item_start && csr->sidx[i - 1] > rules->n_samples) i--;
    if (i == csr->n_pairs) return SHEAF_OK;
    stats->above += csr->n_pairs - i;
    if (rules->sidx_above == SHEAF_LOSS_ACCEPT) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_RANGE, "event %d, item %d has sidx %d, but the stream has %d samples", csr->event_id,
                    csr->item_id[csr->n_items], csr->sidx[csr->n_pairs - 1], rules->n_samples);
}

sheaf_status shf_csr_end_item(shf_csr *csr, const shf_csr_rules *rules, sheaf_loss_stats *stats, sheaf_error *err)
{
    if (csr->unordered) SHF_TRY(settle_order(csr, rules, stats, err));
    SHF_TRY(check_above(csr, rules, stats, err));
    stats->kept += csr->n_pairs - csr->item_start;
    if (csr->n_pairs == csr->item_start) {
        SHF_TRY(reserve_pairs(csr, 1, err));
        csr->sidx[csr->n_pairs] = SHF_LOSS_SIDX_TIV;
        csr->loss[csr->n_pairs++] = 0;
        stats->empty++;
    }
    csr->indptr[++csr->n_items] = (int64_t)csr->n_pairs;
    csr->open = false;
    return SHEAF_OK;
}

void shf_csr_drop_item(shf_csr *csr)
{
    if (csr->open) csr->n_pairs = csr->item_start;
    csr->open = false;
    if (csr->n_items == 0) csr->has_event = false;
}

sheaf_status shf_csr_append(shf_csr *csr, const shf_csr *other, sheaf_error *err)
{
    SHF_TRY(reserve_items(csr, other->n_items, err));
    SHF_TRY(reserve_pairs(csr, other->n_pairs, err));
    if (!other->n_items) return SHEAF_OK;
    csr->event_id = other->event_id;
    csr->has_event = true;
    memcpy(csr->item_id + csr->n_items, other->item_id, other->n_items * sizeof *csr->item_id);
    memcpy(csr->pass_through + csr->n_items, other->pass_through, other->n_items * sizeof *csr->pass_through);
    memcpy(csr->exposure + csr->n_items, other->exposure, other->n_items * sizeof *csr->exposure);
    memcpy(csr->sidx + csr->n_pairs, other->sidx, other->n_pairs * sizeof *csr->sidx);
    memcpy(csr->loss + csr->n_pairs, other->loss, other->n_pairs * sizeof *csr->loss);
    for (size_t i = 1; i <= other->n_items; i++) csr->indptr[csr->n_items + i] = (int64_t)csr->n_pairs + other->indptr[i];
    csr->n_items += other->n_items;
    csr->n_pairs += other->n_pairs;
    return SHEAF_OK;
}

sheaf_loss_event shf_csr_event(const shf_csr *csr)
{
    return (sheaf_loss_event){
        .event_id = csr->event_id,
        .n_items = csr->n_items,
        .indptr = csr->indptr,
        .item_id = csr->item_id,
        .pass_through = csr->pass_through,
        .exposure = csr->exposure,
        .sidx = csr->sidx,
        .loss = csr->loss,
    };
}
