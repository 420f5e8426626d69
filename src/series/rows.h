// SPDX-License-Identifier: Apache-2.0
/* Rows asked for in any order, visited in the order of the file: runs of neighbours, each row read once however often it is asked for. */
#ifndef SHF_SERIES_ROWS_H
#define SHF_SERIES_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct shf_rows {
    const int64_t *rows; /* Borrowed */
    size_t n;
    size_t *order; /* Owned; places in `rows` by ascending row; NULL: they ascend already */
    size_t next;   /* how many places are done */
} shf_rows;

sheaf_status shf_rows_begin(shf_rows *plan, const int64_t *rows, size_t n, sheaf_error *err);
/* The next run of rows first … last (inclusive), of which at most max_gap in a row were not asked for. false at the end. */
bool shf_rows_next_run(const shf_rows *plan, int64_t max_gap, int64_t *first, int64_t *last);
/* The next place that asked for this row (rows must come in ascending order); false when there is none left. */
static inline bool shf_rows_take(shf_rows *plan, int64_t row, size_t *place)
{
    if (plan->next == plan->n) return false;
    size_t at = plan->order ? plan->order[plan->next] : plan->next;
    if (plan->rows[at] != row) return false;
    plan->next++;
    *place = at;
    return true;
}
void shf_rows_end(shf_rows *plan);

#endif
