// SPDX-License-Identifier: Apache-2.0
/* What `sync` costs: rows of 100 f64, a commit every 1,000 rows, with and without, beside plain pwrite and fdatasync of the same bytes at the
 * same points; one after the other in each round, medians. In memory (tmpfs) syncing costs nothing. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "sheaf/store.h"

enum { WIDTH = 100, COMMIT_ROWS = 1000, ROUNDS = 5, PART = COMMIT_ROWS * WIDTH };

static double g_rows[PART];

static double mb_s(uint64_t n_commits, double begun)
{
    return (double)n_commits * sizeof g_rows / 1e6 / (measure_now_s() - begun);
}

static sheaf_status make(const char *path, const char *format, int sync, sheaf_store **out, sheaf_error *err)
{
    static const char *const dimensions[] = {"row", "x"};
    sheaf_schema *schema = NULL;
    sheaf_store_options options = sheaf_store_options_init();
    sheaf_array_spec spec = sheaf_array_spec_init("value", SHEAF_F64, 2, dimensions);
    options.format = format;
    options.sync = sync != 0;
    options.if_exists = SHEAF_IF_EXISTS_REPLACE;
    options.commit_interval_ms = 0;
    sheaf_status status = sheaf_schema_create(&schema, err);
    if (!status) status = sheaf_schema_add_dimension(schema, "row", SHEAF_GROWS, err);
    if (!status) status = sheaf_schema_add_dimension(schema, "x", WIDTH, err);
    if (!status) status = sheaf_schema_add_array(schema, &spec, err);
    if (!status) status = sheaf_store_create(path, schema, &options, out, err);
    sheaf_schema_free(&schema);
    return status;
}

/* -1 after an error. */
static double store_mb_s(const char *path, const char *format, int sync, uint64_t n_commits)
{
    sheaf_store *store = NULL;
    sheaf_error err;
    double begun = measure_now_s();
    sheaf_status status = make(path, format, sync, &store, &err);
    for (uint64_t i = 0; !status && i < n_commits; i++) {
        status = sheaf_store_append(store, "row", COMMIT_ROWS, (const void *[]){g_rows}, NULL, &err);
        if (!status) status = sheaf_store_commit(store, &err);
    }
    if (!status) status = sheaf_store_close(&store, &err);
    double speed = mb_s(n_commits, begun);
    sheaf_store_free(&store);
    if (!status) status = sheaf_store_remove(path, &err);
    if (status) fprintf(stderr, "%s\n", err.message);
    return status ? -1 : speed;
}

static double plain_mb_s(const char *path, int sync, uint64_t n_commits)
{
    double begun = measure_now_s();
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0666), failed = fd < 0;
    for (uint64_t i = 0; !failed && i < n_commits; i++) {
        failed = pwrite(fd, g_rows, sizeof g_rows, (off_t)(i * sizeof g_rows)) != (ssize_t)sizeof g_rows;
        if (!failed && sync) failed = fdatasync(fd);
    }
    double speed = mb_s(n_commits, begun);
    if (fd >= 0) close(fd);
    return failed || unlink(path) ? -1 : speed;
}

static int measure(const char *folder, const char *format, uint64_t n_commits)
{
    double speed[4][ROUNDS];
    char path[4096];
    if (snprintf(path, sizeof path, "%s/sync", folder) >= (int)sizeof path) return 1;
    for (int round = 0; round < ROUNDS; round++) {
        for (int sync = 0; sync < 2; sync++) {
            speed[sync][round] = store_mb_s(path, format, sync, n_commits);
            speed[2 + sync][round] = plain_mb_s(path, sync, n_commits);
            if (speed[sync][round] < 0 || speed[2 + sync][round] < 0) return 1;
        }
    }
    for (int sync = 0; sync < 2; sync++) {
        printf("{\"work\": \"%s, a commit every 1,000 rows of 100 f64, %s\", \"value\": %.1f, \"unit\": \"MB/s\", \"against\": "
               "{\"pwrite%s\": %.1f}}\n",
               format, sync ? "sync" : "no sync", measure_median(speed[sync], ROUNDS), sync ? " + fdatasync" : "",
               measure_median(speed[2 + sync], ROUNDS));
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3) return 2;
    uint64_t n_commits = (uint64_t)(100 * strtod(argv[2], NULL)) + 1, h = 88172645463325252u;
    for (size_t i = 0; i < PART; i++) {
        h ^= h << 13;
        h ^= h >> 7;
        h ^= h << 17;
        g_rows[i] = 100 + (double)(h >> 40) * 0x1p-24;
    }
    for (size_t f = 0; sheaf_format_name(f); f++)
        if (strcmp(sheaf_format_name(f), "mem") != 0 && measure(argv[1], sheaf_format_name(f), n_commits)) return 1;
    return 0;
}
