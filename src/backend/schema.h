// SPDX-License-Identifier: Apache-2.0
/* Inside of a sheaf_schema. */
#ifndef SHF_BACKEND_SCHEMA_H
#define SHF_BACKEND_SCHEMA_H

#include "backend/layout.h"

typedef struct shf_fixed_dimension {
    char name[SHEAF_MAX_NAME + 1];
    uint64_t length;
} shf_fixed_dimension;

struct sheaf_schema {
    shf_layout layout;
    shf_fixed_dimension *fixed;
    size_t n_fixed;
};

#endif
