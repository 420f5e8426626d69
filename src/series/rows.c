// SPDX-License-Identifier: Apache-2.0
#include "series/rows.h"

#include <stdlib.h>

#include "base/alloc.h"

typedef struct placed_row {
    int64_t row;
    size_t place;
} placed_row;

static int compare_placed(const void *left, const void *right)
{
    const placed_row *a = left, *b = right;
    int order = (a->row > b->row) - (a->row < b->row);
    return order ? order : (a->place > b->place) - (a->place < b->place);
}

static bool ascend(const int64_t *rows, size_t n)
{
    for (size_t i = 1; i < n; i++)
        if (rows[i - 1] > rows[i]) return false;
    return true;
}

sheaf_status shf_rows_begin(shf_rows *plan, const int64_t *rows, size_t n, sheaf_error *err)
{
    *plan = (shf_rows){.rows = rows, .n = n};
    if (ascend(rows, n)) return SHEAF_OK;
    placed_row *sorted = shf_calloc(n, sizeof *sorted);
    plan->order = shf_calloc(n, sizeof *plan->order);
    if (!sorted || !plan->order) {
        shf_free(sorted);
        shf_rows_end(plan);
        return shf_fail_memory(err, n * sizeof *sorted, "the order of rows");
    }
    for (size_t i = 0; i < n; i++) sorted[i] = (placed_row){rows[i], i};
    qsort(sorted, n, sizeof *sorted, compare_placed);
    for (size_t i = 0; i < n; i++) plan->order[i] = sorted[i].place;
    shf_free(sorted);
    return SHEAF_OK;
}

bool shf_rows_next_run(const shf_rows *plan, int64_t max_gap, int64_t *first, int64_t *last)
{
    if (plan->next == plan->n) return false;
    *first = *last = plan->rows[plan->order ? plan->order[plan->next] : plan->next];
    for (size_t i = plan->next + 1; i < plan->n; i++) {
        int64_t row = plan->rows[plan->order ? plan->order[i] : i];
        if (row - *last > max_gap + 1) break;
        *last = row;
    }
    return true;
}

void shf_rows_end(shf_rows *plan)
{
    shf_free(plan->order);
    plan->order = NULL;
}
