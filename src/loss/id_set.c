// SPDX-License-Identifier: Apache-2.0
#include "loss/id_set.h"

#include <string.h>

#include "base/alloc.h"

sheaf_status shf_id_set_init(shf_id_set *set, const int32_t *ids, size_t n, sheaf_error *err)
{
    *set = (shf_id_set){NULL, 0};
    if (!ids) return SHEAF_OK;
    for (size_t i = 1; i < n; i++) {
        if (ids[i - 1] >= ids[i]) return shf_fail(err, SHEAF_ERR_ARGUMENT, "ids must ascend: %d comes before %d", ids[i - 1], ids[i]);
    }
    set->ids = shf_malloc(n * sizeof *ids);
    if (!set->ids) return shf_fail_memory(err, n * sizeof *ids, "ids");
    if (n) memcpy(set->ids, ids, n * sizeof *ids);
    set->n = n;
    return SHEAF_OK;
}

bool shf_id_set_has(const shf_id_set *set, int32_t id)
{
    if (!set->ids) return true;
    size_t low = 0, high = set->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (set->ids[middle] < id) low = middle + 1;
        else high = middle;
    }
    return low < set->n && set->ids[low] == id;
}

void shf_id_set_free(shf_id_set *set)
{
    shf_free(set->ids);
    *set = (shf_id_set){NULL, 0};
}
