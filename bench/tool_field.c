// SPDX-License-Identifier: Apache-2.0
/* Steps of one wide row, written and read along both axes: tool_field write PATH STEPS | row PATH STEP | column PATH COLUMN
 * Rows are (1, 100,000) f32, random walks. Prints the seconds from create (or open) to close. */
#include <string.h>

#include "measure.h"
#include "sheaf/store.h"

enum { WIDTH = 100000, DISTINCT = 16 };

static float *make_rows(void)
{
    float *rows = malloc(sizeof *rows * DISTINCT * WIDTH);
    unsigned long long h = 88172645463325252u;
    for (size_t r = 0; rows && r < DISTINCT; r++) {
        for (size_t k = 0; k < WIDTH; k++) {
            h ^= h << 13;
            h ^= h >> 7;
            h ^= h << 17;
            float step = (float)(h >> 40) * 0x1p-24f - 0.5f;
            rows[r * WIDTH + k] = (r ? rows[(r - 1) * WIDTH + k] : 100.0f) * (1.0f + 0.02f * step);
        }
    }
    return rows;
}

static int write_steps(const char *path, size_t steps, const float *rows, sheaf_error *err)
{
    sheaf_schema *schema = NULL;
    sheaf_store *store = NULL;
    if (sheaf_schema_create(&schema, err) || sheaf_schema_add_dimension(schema, "time", SHEAF_GROWS, err)) return 1;
    if (sheaf_schema_add_dimension(schema, "d", 1, err) || sheaf_schema_add_dimension(schema, "trajectory", WIDTH, err)) return 1;
    sheaf_array_spec time = sheaf_array_spec_init("time", SHEAF_F64, 1, (const char *[]){"time"});
    sheaf_array_spec y = sheaf_array_spec_init("y", SHEAF_F32, 3, (const char *[]){"time", "d", "trajectory"});
    if (sheaf_schema_add_array(schema, &time, err) || sheaf_schema_add_array(schema, &y, err)) return 1;
    if (sheaf_store_create(path, schema, NULL, &store, err)) return 1;
    for (size_t step = 0; step < steps; step++) {
        double t = (double)step;
        if (sheaf_store_append(store, "time", 1, (const void *[]){&t, rows + step % DISTINCT * WIDTH}, NULL, err)) return 1;
    }
    sheaf_schema_free(&schema);
    return sheaf_store_close(&store, err) != SHEAF_OK;
}

static int read_part(const char *path, int row, size_t at, sheaf_error *err)
{
    sheaf_store *store = NULL;
    sheaf_selection axes[3] = {sheaf_select_all(), sheaf_select_all(), sheaf_select_all()};
    unsigned long long n = 0;
    axes[row ? 0 : 2] = sheaf_select_range(at, at + 1, 1);
    if (sheaf_store_open(path, NULL, &store, err)) return 1;
    uint64_t count;
    if (sheaf_store_count(store, "y", axes, &count, err)) return 1;
    n = count;
    float *out = malloc(n * sizeof *out);
    if (!out || sheaf_store_read(store, "y", axes, out, n * sizeof *out, err)) return 1;
    free(out);
    return sheaf_store_close(&store, err) != SHEAF_OK;
}

int main(int argc, char **argv)
{
    if (argc != 4) return 2;
    sheaf_error err = {0};
    size_t n = strtoull(argv[3], NULL, 10);
    float *rows = !strcmp(argv[1], "write") ? make_rows() : NULL;
    double begun = measure_now_s();
    int failed = rows ? write_steps(argv[2], n, rows, &err) : read_part(argv[2], !strcmp(argv[1], "row"), n, &err);
    if (failed) {
        fprintf(stderr, "tool_field: %s\n", err.message);
        return 1;
    }
    printf("%.6f\n", measure_now_s() - begun);
    free(rows);
    return 0;
}
