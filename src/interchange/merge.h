// SPDX-License-Identifier: Apache-2.0
/* Inside of merging: the stores that are joined, and how they must agree. */
#ifndef SHF_INTERCHANGE_MERGE_H
#define SHF_INTERCHANGE_MERGE_H

#include "interchange/convert.h"

typedef struct shf_merge_source {
    const char *path; /* Borrowed */
    sheaf_store *store;
    shf_copy copy; /* arrays in the order of the first source's */
    json_t *attributes;
    json_t *own; /* those that differ */
} shf_merge_source;

typedef struct shf_merger {
    const sheaf_merge_spec *spec;
    shf_merge_source *sources;
    size_t n_sources;
    const char *axis;   /* NULL: records are joined */
    json_t *attributes; /* of the new store */
    sheaf_store *to;
    uint64_t total, done;
} shf_merger;

/* Rows of one source that come next in the new store. */
typedef struct shf_segment {
    size_t source;
    uint64_t first, last; /* in the source */
    uint64_t begin;       /* in the new store */
} shf_segment;

/* Reorders the arrays of source i as those of the first, and compares them. axis may differ in length. */
sheaf_status shf_merge_compare(shf_merger *m, size_t i, sheaf_error *err);
/* Fixed arrays without the axis must hold the same. */
sheaf_status shf_merge_compare_fixed(const shf_merger *m, size_t i, sheaf_error *err);
/* m->attributes, and what differs, in sheaf_merged_from. */
sheaf_status shf_merge_attributes(shf_merger *m, sheaf_error *err);
/* Whether all sources have the same coordinate of their record dimension. */
sheaf_status shf_merge_same_times(const shf_merger *m, bool *same, sheaf_error *err);
/* The coordinate of the record dimension must grow from each source to the next. */
sheaf_status shf_merge_growing_times(const shf_merger *m, sheaf_error *err);
/* Ids of the segments, or of the joined axis (segments NULL): each once. */
sheaf_status shf_merge_check_ids(const shf_merger *m, const shf_segment *segments, size_t n_segments, sheaf_error *err);

/* The axis at which an array is joined, or -1. */
int shf_merge_axis(const shf_merger *m, const shf_copy_array *array);

/* Whether an array holds the ids along the axis. */
bool shf_merge_is_ids(const shf_merger *m, const shf_copy_array *array);

sheaf_status shf_merge_records(shf_merger *m, const char *target, const sheaf_store_options *options, sheaf_error *err);
sheaf_status shf_merge_columns(shf_merger *m, const char *target, const sheaf_store_options *options, size_t block_bytes, sheaf_error *err);

#endif
