// SPDX-License-Identifier: Apache-2.0
/* Selections of one axis, cut into parts that lie in one chunk each. */
#ifndef SHF_STORE_SELECT_H
#define SHF_STORE_SELECT_H

#include "sheaf/store.h"

typedef struct shf_pick {
    uint64_t index; /* in the array */
    uint64_t out;   /* position in the output */
} shf_pick;

/* One axis of a read: an arithmetic sequence, or picks sorted by index. */
typedef struct shf_axis {
    uint64_t start, step, count; /* sequence; count also of picks */
    shf_pick *picks;             /* Owned; NULL: a sequence */
    uint64_t length, chunk;      /* extent of the axis and of a chunk along it */
} shf_axis;

/* Indices of an axis in one chunk: position i lies at in(i) within the chunk and goes to out(i). */
typedef struct shf_part {
    uint64_t chunk; /* chunk coordinate */
    uint64_t begin; /* index of the chunk's begin */
    uint64_t count;
    uint64_t in0, step, out0; /* sequence: in0 + i × step → out0 + i */
    const shf_pick *picks;    /* or picks[i].index - begin → picks[i].out */
} shf_part;

/* Checks the selection against the length ("index 12 of axis 1 …, the length is 10": SHEAF_ERR_RANGE). chunk: where to cut. */
sheaf_status shf_axis_make(shf_axis *axis, const sheaf_selection *selection, uint64_t length, uint64_t chunk, int number, sheaf_error *err);
void shf_axis_free(shf_axis *axis);
/* The part that begins with element *at (0 first) of the sorted order; moves *at on. false at the end. */
bool shf_axis_next(const shf_axis *axis, uint64_t *at, shf_part *part);
/* A part cut into the elements below `limit` (an index of the array) and the rest. */
void shf_part_split(const shf_part *part, uint64_t limit, shf_part *below, shf_part *rest);

static inline uint64_t shf_part_in(const shf_part *part, uint64_t i)
{
    return part->picks ? part->picks[i].index - part->begin : part->in0 + i * part->step;
}
static inline uint64_t shf_part_out(const shf_part *part, uint64_t i)
{
    return part->picks ? part->picks[i].out : part->out0 + i;
}
static inline bool shf_part_is_run(const shf_part *part)
{
    return !part->picks && (part->step == 1 || part->count == 1);
}

/* Copies the elements that the parts (one for each axis) choose from a row-major block with the given strides (bytes) to the output. */
void shf_copy_parts(int ndim, const shf_part *parts, const uint8_t *from, const size_t *from_stride, uint8_t *to, const size_t *to_stride,
                    size_t item);

#endif
