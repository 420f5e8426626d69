// SPDX-License-Identifier: Apache-2.0
/* Reads a store, growing or closed: read_store STORE
 * Lists its arrays, then prints the first and last row of the first floating-point one and how long each axis is. */
#include <stdio.h>
#include <stdlib.h>

#include "sheaf/sheaf.h"

static int fail(const sheaf_error *err)
{
    fprintf(stderr, "read_store: %s\n", err->message);
    return 1;
}

/* Row `row` of a floating-point array, its first elements. */
static int print_row(sheaf_store *store, const sheaf_array_info *info, uint64_t row, sheaf_error *err)
{
    sheaf_selection axes[SHEAF_MAX_NDIM];
    uint64_t n;
    axes[0] = sheaf_select_range(row, row + 1, 1);
    for (int axis = 1; axis < info->ndim; axis++) axes[axis] = sheaf_select_range(0, 5, 1);
    if (sheaf_store_count(store, info->name, axes, &n, err)) return 1;
    size_t bytes = (size_t)n * sheaf_dtype_size(info->dtype);
    void *values = malloc(bytes);
    if (!values || sheaf_store_read(store, info->name, axes, values, bytes, err)) return 1;
    printf("%s[%llu]:", info->name, (unsigned long long)row);
    for (uint64_t i = 0; i < n; i++) printf(" %g", info->dtype == SHEAF_F32 ? (double)((float *)values)[i] : ((double *)values)[i]);
    printf("\n");
    free(values);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 2) return 2;
    sheaf_error err = {.message = "out of memory"};
    sheaf_store *store = NULL;
    sheaf_array_info info;
    if (sheaf_store_open(argv[1], NULL, &store, &err)) return fail(&err);
    for (size_t i = 0; i < sheaf_store_n_arrays(store); i++) {
        if (sheaf_store_array_at(store, i, &info, &err)) return fail(&err);
        printf("%s %s (", info.name, sheaf_dtype_name(info.dtype));
        for (int axis = 0; axis < info.ndim; axis++)
            printf("%s%s %llu", axis ? ", " : "", info.dimensions[axis], (unsigned long long)info.shape[axis]);
        printf(")\n");
    }
    for (size_t i = 0; i < sheaf_store_n_arrays(store); i++) {
        if (sheaf_store_array_at(store, i, &info, &err)) return fail(&err);
        if ((info.dtype != SHEAF_F32 && info.dtype != SHEAF_F64) || info.ndim < 2 || !info.shape[0]) continue;
        if (print_row(store, &info, 0, &err) || print_row(store, &info, info.shape[0] - 1, &err)) return fail(&err);
        break;
    }
    return sheaf_store_close(&store, &err) ? fail(&err) : 0;
}
