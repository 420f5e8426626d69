// SPDX-License-Identifier: Apache-2.0
/* Bytes are changed at random in what libhdf5 interprets of an HDF5 store of ours: it is an error, or told by verify, and never the end of the process.
 * SHEAF_TEST_MUTATIONS (default 400): how many. SHEAF_TEST_SEED. SHEAF_TEST_TOLERATE=1: deaths are counted only. */
#include <signal.h>
#include <sys/wait.h>

#include "backend/hdf5/superblock.h"
#include "fault/faults.h"

/* How a child ended that opened, read, verified and appended to the store. */
enum { ERROR = 10, TOLD = 11, SILENT = 12 };

typedef struct counts {
    uint64_t equal, error, told, silent, died;
} counts;

static size_t hdf5_format(void)
{
    for (size_t f = 0; sheaf_format_name(f); f++)
        if (!strcmp(sheaf_format_name(f), "hdf5")) return f;
    return SIZE_MAX;
}

static sheaf_status read_some(sheaf_store *store, const sheaf_array_info *info, sheaf_error *err)
{
    sheaf_selection all[SHEAF_MAX_NDIM];
    uint64_t n;
    for (int axis = 0; axis < info->ndim; axis++) all[axis] = sheaf_select_range(0, info->shape[axis] < 64 ? info->shape[axis] : 64, 1);
    SHF_TRY(sheaf_store_count(store, info->name, all, &n, err));
    size_t size = (size_t)n * sheaf_dtype_size(info->dtype);
    void *out = malloc(size + 1);
    assert_non_null(out);
    sheaf_status status = sheaf_store_read(store, info->name, all, out, size, err);
    free(out);
    return status;
}

static sheaf_status read_arrays(const char *path, sheaf_error *err)
{
    sheaf_store *store = NULL;
    SHF_TRY(sheaf_store_open(path, NULL, &store, err));
    sheaf_status status = SHEAF_OK;
    for (size_t i = 0; status == SHEAF_OK && i < sheaf_store_n_arrays(store); i++) {
        sheaf_array_info info;
        status = sheaf_store_array_at(store, i, &info, err);
        if (status == SHEAF_OK) status = read_some(store, &info, err);
    }
    sheaf_store_free(&store);
    return status;
}

static void ignore(void *context, const sheaf_error *damage)
{
    (void)context;
    (void)damage;
}

/* write: by a writer and by repair, too. */
static int use(const char *path, bool write)
{
    sheaf_error err;
    uint64_t n_damaged = 0;
    sheaf_store *store = NULL;
    sheaf_status read = read_arrays(path, &err);
    sheaf_status verified = sheaf_store_verify(path, ignore, NULL, &n_damaged, &err);
    if (write) {
        sheaf_store_options options = quiet_options(hdf5_format());
        options.n_threads = 0;
        if (sheaf_store_open_append(path, &options, &store, &err) == SHEAF_OK) sheaf_store_free(&store);
        uint64_t given_up;
        (void)!sheaf_store_repair(path, ignore, NULL, &given_up, &err);
    }
    return read != SHEAF_OK ? ERROR : verified != SHEAF_OK || n_damaged ? TOLD : SILENT;
}

static uint64_t draw(uint64_t *random)
{
    *random = *random * 6364136223846793005u + 1442695040888963407u;
    return *random >> 20;
}

static void put_file(const char *path, const shf_buf *bytes)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes->data, 1, bytes->size, f), bytes->size);
    assert_int_equal(fclose(f), 0);
}

/* One bit, one byte, or eight bytes; in the superblock now and then, else in the metadata. */
static void mutate(shf_buf *bytes, uint64_t root, uint64_t *random)
{
    bool head = draw(random) % 16 == 0;
    size_t n = draw(random) % 4 == 3 ? 8 : 1;
    size_t at = head ? draw(random) % SHF_H5_HEAD_BYTES : (size_t)root + draw(random) % (bytes->size - (size_t)root - n + 1);
    uint64_t kind = draw(random) % 3;
    for (size_t i = 0; i < n; i++)
        bytes->data[at + i] = (uint8_t)(kind == 0   ? bytes->data[at + i] ^ 1u << draw(random) % 8
                                        : kind == 1 ? draw(random)
                                                    : draw(random) % 2 * 255);
}

static void count_end(counts *c, int how, const shf_buf *changed, const shf_buf *whole)
{
    bool same = !memcmp(changed->data, whole->data, whole->size);
    if (same) c->equal++;
    else if (WIFSIGNALED(how) || (WEXITSTATUS(how) != ERROR && WEXITSTATUS(how) != TOLD && WEXITSTATUS(how) != SILENT)) c->died++;
    else if (WEXITSTATUS(how) == ERROR) c->error++;
    else if (WEXITSTATUS(how) == TOLD) c->told++;
    else c->silent++;
}

static void damaged_metadata_kills_nobody(void **state)
{
    (void)state;
    test_folder folder;
    char path[512], changed_path[600];
    sheaf_error err;
    shf_buf whole = {0}, changed = {0};
    shf_h5_superblock superblock;
    run_progress progress = {0};
    counts c = {0};
    const char *text = getenv("SHEAF_TEST_MUTATIONS"), *seed = getenv("SHEAF_TEST_SEED");
    uint64_t n = text ? strtoull(text, NULL, 10) : 400, random = seed ? strtoull(seed, NULL, 10) : 1;
    if (hdf5_format() == SIZE_MAX) skip();
    folder_make(&folder);
    store_path(&folder, hdf5_format(), "whole", path, sizeof path);
    snprintf(changed_path, sizeof changed_path, "%s/changed.h5", folder.path);
    expect_ok(run_steps(hdf5_format(), path, &progress, &err));
    expect_ok(shf_path_read(path, 1 << 24, &whole, &err));
    assert_true(shf_h5_superblock_parse(whole.data, whole.size, &superblock));
    for (uint64_t i = 0; i < n; i++) {
        expect_ok(shf_buf_resize(&changed, whole.size, &err));
        memcpy(changed.data, whole.data, whole.size);
        mutate(&changed, superblock.root, &random);
        put_file(changed_path, &changed);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) _exit(use(changed_path, i % 4 == 0));
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        uint64_t before = c.died;
        count_end(&c, how, &changed, &whole);
        if (c.died != before) print_error("mutation %llu: it died (%x)\n", (unsigned long long)i, (unsigned)how);
    }
    printf("%llu mutations of %llu bytes of metadata: %llu changed nothing, %llu were errors, %llu told by verify, %llu not noticed, %llu "
           "died\n",
           (unsigned long long)n, (unsigned long long)(whole.size - superblock.root), (unsigned long long)c.equal,
           (unsigned long long)c.error, (unsigned long long)c.told, (unsigned long long)c.silent, (unsigned long long)c.died);
    if (!getenv("SHEAF_TEST_TOLERATE")) {
        assert_int_equal(c.died, 0);
        assert_int_equal(c.silent, 0);
    }
    shf_buf_free(&whole);
    shf_buf_free(&changed);
    folder_remove(&folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(damaged_metadata_kills_nobody)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
