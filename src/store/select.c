// SPDX-License-Identifier: Apache-2.0
#include "store/select.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/error.h"

sheaf_selection sheaf_select_all(void)
{
    return (sheaf_selection){.kind = SHEAF_SELECT_ALL, .step = 1};
}

sheaf_selection sheaf_select_range(uint64_t start, uint64_t stop, uint64_t step)
{
    return (sheaf_selection){.kind = SHEAF_SELECT_RANGE, .start = start, .stop = stop, .step = step};
}

sheaf_selection sheaf_select_list(const uint64_t *indices, size_t n)
{
    return (sheaf_selection){.kind = SHEAF_SELECT_LIST, .step = 1, .indices = indices, .n_indices = n};
}

static int by_index(const void *a, const void *b)
{
    const shf_pick *x = a, *y = b;
    if (x->index != y->index) return x->index < y->index ? -1 : 1;
    return x->out < y->out ? -1 : x->out > y->out;
}

static sheaf_status out_of_range(uint64_t index, uint64_t length, int number, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_RANGE, "index %llu on axis %d is out of range, the length is %llu", (unsigned long long)index, number,
                    (unsigned long long)length);
}

static sheaf_status make_picks(shf_axis *axis, const sheaf_selection *selection, int number, sheaf_error *err)
{
    axis->count = selection->n_indices;
    if (!axis->count) return SHEAF_OK;
    if (!selection->indices) return shf_fail(err, SHEAF_ERR_ARGUMENT, "the list of indices on axis %d is NULL", number);
    bool sequence = true, sorted = true;
    const uint64_t *index = selection->indices;
    for (uint64_t i = 0; i < axis->count; i++) {
        if (index[i] >= axis->length) return out_of_range(index[i], axis->length, number, err);
        if (i && index[i] != index[i - 1] + 1) sequence = false;
        if (i && index[i] < index[i - 1]) sorted = false;
    }
    if (sequence) {
        axis->start = index[0];
        axis->step = 1;
        return SHEAF_OK;
    }
    axis->picks = shf_malloc(axis->count * sizeof *axis->picks);
    if (!axis->picks) return shf_fail_memory(err, axis->count * sizeof *axis->picks, "a selection");
    for (uint64_t i = 0; i < axis->count; i++) axis->picks[i] = (shf_pick){index[i], i};
    if (!sorted) qsort(axis->picks, axis->count, sizeof *axis->picks, by_index);
    return SHEAF_OK;
}

sheaf_status shf_axis_make(shf_axis *axis, const sheaf_selection *selection, uint64_t length, uint64_t chunk, int number, sheaf_error *err)
{
    memset(axis, 0, sizeof *axis);
    axis->length = length;
    axis->chunk = chunk;
    axis->step = 1;
    axis->count = length;
    if (!selection || selection->kind == SHEAF_SELECT_ALL) return SHEAF_OK;
    if (selection->kind == SHEAF_SELECT_LIST) return make_picks(axis, selection, number, err);
    if (selection->kind != SHEAF_SELECT_RANGE || !selection->step || selection->start > selection->stop)
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "axis %d: no selection is %llu:%llu:%llu", number, (unsigned long long)selection->start,
                        (unsigned long long)selection->stop, (unsigned long long)selection->step);
    uint64_t stop = shf_min_u64(selection->stop, length);
    if (selection->start > length) return out_of_range(selection->start, length, number, err);
    axis->start = selection->start;
    axis->step = selection->step;
    axis->count = stop > axis->start ? shf_ceil_div(stop - axis->start, axis->step) : 0;
    return SHEAF_OK;
}

void shf_axis_free(shf_axis *axis)
{
    shf_free(axis->picks);
    axis->picks = NULL;
}

bool shf_axis_next(const shf_axis *axis, uint64_t *at, shf_part *part)
{
    if (*at >= axis->count) return false;
    uint64_t first = axis->picks ? axis->picks[*at].index : axis->start + *at * axis->step;
    uint64_t end;
    part->chunk = first / axis->chunk;
    part->begin = part->chunk * axis->chunk;
    end = part->begin + axis->chunk;
    if (axis->picks) {
        uint64_t stop = *at;
        while (stop < axis->count && axis->picks[stop].index < end) stop++;
        part->count = stop - *at;
        part->picks = axis->picks + *at;
        part->in0 = part->step = part->out0 = 0;
    } else {
        part->count = shf_min_u64(axis->count - *at, shf_ceil_div(end - first, axis->step));
        part->picks = NULL;
        part->in0 = first - part->begin;
        part->step = axis->step;
        part->out0 = *at;
    }
    *at += part->count;
    return true;
}

void shf_part_split(const shf_part *part, uint64_t limit, shf_part *below, shf_part *rest)
{
    uint64_t n = 0;
    if (part->picks) {
        while (n < part->count && part->picks[n].index < limit) n++;
    } else if (limit > part->begin + part->in0) {
        n = shf_min_u64(part->count, shf_ceil_div(limit - part->begin - part->in0, part->step));
    }
    *below = *rest = *part;
    below->count = n;
    rest->count = part->count - n;
    if (part->picks) {
        rest->picks = part->picks + n;
    } else {
        rest->in0 = part->in0 + n * part->step;
        rest->out0 = part->out0 + n;
    }
}

/* The innermost axis, by element size so that the compiler sees plain moves. */
#define COPY_ITEMS(type)                                                                                                 \
    do {                                                                                                                 \
        for (uint64_t i = 0; i < part->count; i++) {                                                                     \
            memcpy(to + shf_part_out(part, i) * sizeof(type), from + shf_part_in(part, i) * sizeof(type), sizeof(type)); \
        }                                                                                                                \
    } while (0)

static void copy_last(const shf_part *part, const uint8_t *from, uint8_t *to, size_t item)
{
    if (shf_part_is_run(part)) {
        memcpy(to + shf_part_out(part, 0) * item, from + shf_part_in(part, 0) * item, (size_t)part->count * item);
        return;
    }
    switch (item) {
    case 1: COPY_ITEMS(uint8_t); break;
    case 2: COPY_ITEMS(uint16_t); break;
    case 4: COPY_ITEMS(uint32_t); break;
    default: COPY_ITEMS(uint64_t); break;
    }
}

void shf_copy_parts(int ndim, const shf_part *parts, const uint8_t *from, const size_t *from_stride, uint8_t *to, const size_t *to_stride,
                    size_t item)
{
    if (!parts->count) return;
    if (ndim == 1) {
        copy_last(parts, from, to, item);
        return;
    }
    for (uint64_t i = 0; i < parts->count; i++)
        shf_copy_parts(ndim - 1, parts + 1, from + shf_part_in(parts, i) * from_stride[0], from_stride + 1,
                       to + shf_part_out(parts, i) * to_stride[0], to_stride + 1, item);
}
