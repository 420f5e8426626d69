// SPDX-License-Identifier: Apache-2.0
/* One measured run of the step benchmark: tool_steps DATA PATH FORMAT CODEC STEPS COMMIT_ROWS THREADS [CHECKPOINT_ROWS]
 * DATA holds f64 rows of 100 (made beforehand, used again and again); FORMAT may be pwrite: the same bytes in blocks of 4 MiB.
 * Prints the seconds from create to close, processor seconds, and the peak memory above what the process had before, in KiB. */
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "measure.h"
#include "sheaf/store.h"

enum { WIDTH = 100, BLOCK = 4 << 20 };

/* Processor seconds of all threads, user and system. */
static double processor_s(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int fail(const sheaf_error *err)
{
    fprintf(stderr, "tool_steps: %s\n", err->message);
    return 1;
}

static int run_pwrite(const char *path, const uint8_t *data, size_t n_data, size_t total)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    if (fd < 0) return 1;
    for (size_t done = 0; done < total; done += BLOCK) {
        size_t n = total - done < BLOCK ? total - done : BLOCK;
        if (pwrite(fd, data + done % (n_data - BLOCK), n, (off_t)done) != (ssize_t)n) return 1;
    }
    return close(fd);
}

static int run_store(char **argv, size_t checkpoint_rows, const double *data, size_t n_rows, size_t steps, sheaf_error *err)
{
    sheaf_schema *schema = NULL;
    sheaf_store *store = NULL;
    sheaf_codec codec;
    sheaf_store_options options = sheaf_store_options_init();
    options.format = argv[3];
    options.n_threads = (unsigned)strtoul(argv[7], NULL, 10);
    options.commit_rows = strtoull(argv[6], NULL, 10);
    if (options.commit_rows) options.commit_interval_ms = 0;
    if (sheaf_codec_parse(argv[4], &codec, err) || sheaf_schema_create(&schema, err)) return 1;
    if (sheaf_schema_add_dimension(schema, "time", SHEAF_GROWS, err) || sheaf_schema_add_dimension(schema, "state", WIDTH, err)) return 1;
    sheaf_array_spec time = sheaf_array_spec_init("time", SHEAF_F64, 1, (const char *[]){"time"});
    sheaf_array_spec y = sheaf_array_spec_init("y", SHEAF_F64, 2, (const char *[]){"time", "state"});
    time.codec = y.codec = codec;
    if (sheaf_schema_add_array(schema, &time, err) || sheaf_schema_add_array(schema, &y, err)) return 1;
    if (sheaf_store_create(argv[2], schema, &options, &store, err)) return 1;
    for (size_t step = 0; step < steps; step++) {
        double t = (double)step * 0.01;
        const void *columns[] = {&t, data + step % n_rows * WIDTH};
        if (sheaf_store_append(store, "time", 1, columns, NULL, err)) return 1;
        if (checkpoint_rows && (step + 1) % checkpoint_rows == 0 && sheaf_store_checkpoint(store, err)) return 1;
    }
    sheaf_schema_free(&schema);
    return sheaf_store_close(&store, err) != SHEAF_OK;
}

int main(int argc, char **argv)
{
    if (argc != 8 && argc != 9) return 2;
    sheaf_error err = {0};
    struct stat st;
    int fd = open(argv[1], O_RDONLY);
    if (fd < 0 || fstat(fd, &st)) return 1;
    size_t n_data = (size_t)st.st_size, steps = strtoull(argv[5], NULL, 10);
    uint8_t *data = malloc(n_data);
    if (!data || read(fd, data, n_data) != (ssize_t)n_data) return 1;
    long before = measure_peak_kib();
    double begun = measure_now_s(), used = processor_s();
    int failed = !strcmp(argv[3], "pwrite") ? run_pwrite(argv[2], data, n_data, steps * (WIDTH + 1) * 8)
                                            : run_store(argv, argc == 9 ? strtoull(argv[8], NULL, 10) : 0, (const double *)data,
                                                        n_data / (WIDTH * 8), steps, &err);
    if (failed) return fail(&err);
    printf("%.6f %.6f %ld\n", measure_now_s() - begun, processor_s() - used, measure_peak_kib() - before);
    free(data);
    return 0;
}
