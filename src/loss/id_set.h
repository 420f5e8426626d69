// SPDX-License-Identifier: Apache-2.0
/* Ascending ids, or all of them. */
#ifndef SHF_LOSS_ID_SET_H
#define SHF_LOSS_ID_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

typedef struct shf_id_set {
    int32_t *ids; /* Owned; NULL: every id */
    size_t n;
} shf_id_set;

/* ids NULL: every id. SHEAF_ERR_ARGUMENT unless they ascend. Copied. */
sheaf_status shf_id_set_init(shf_id_set *set, const int32_t *ids, size_t n, sheaf_error *err);
bool shf_id_set_has(const shf_id_set *set, int32_t id);
void shf_id_set_free(shf_id_set *set);

#endif
