// SPDX-License-Identifier: Apache-2.0
/* A bit is flipped, a file is cut or taken away, at a spread of places in every file of a closed store: what is read is equal, or an error, or
 * verify tells; repair keeps what is whole. */
#include <dirent.h>
#include <sys/stat.h>

#include "fault/faults.h"

enum { MAX_FILES = 64, SPREAD = 40, CUTS = 9 };

typedef struct store_file {
    char path[512];
    uint8_t *bytes;
    size_t size;
} store_file;

typedef struct store_files {
    store_file file[MAX_FILES];
    size_t count;
} store_files;

typedef struct told {
    uint64_t count, placed;
    char first[512];
} told;

static void note(void *context, const sheaf_error *damage)
{
    told *t = context;
    if (!t->count++) snprintf(t->first, sizeof t->first, "%s", damage->message);
    assert_true(damage->code != SHEAF_OK && damage->message[0] != '\0');
    assert_null(strchr(damage->message, '\n'));
    if (damage->path[0] || damage->array[0]) t->placed++;
}

static void collect(store_files *files, const char *path)
{
    struct stat st;
    sheaf_error err;
    assert_int_equal(stat(path, &st), 0);
    if (!S_ISDIR(st.st_mode)) {
        assert_true(files->count < MAX_FILES);
        store_file *file = &files->file[files->count++];
        shf_buf bytes = {0};
        snprintf(file->path, sizeof file->path, "%s", path);
        expect_ok(shf_path_read(path, 1 << 24, &bytes, &err));
        file->bytes = bytes.data;
        file->size = bytes.size;
        return;
    }
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        char below[512];
        if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, "..")) continue;
        assert_true((size_t)snprintf(below, sizeof below, "%s/%s", path, e->d_name) < sizeof below);
        collect(files, below);
    }
    closedir(dir);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

/* The store as it was, and nothing beside it. */
static void restore(const char *path, const store_files *files)
{
    sheaf_error err;
    char sidecar[600];
    snprintf(sidecar, sizeof sidecar, "%s.sheaf-log", path);
    expect_ok(shf_path_unlink(sidecar, &err));
    snprintf(sidecar, sizeof sidecar, "%s/.sheaf-log", path);
    if (strcmp(files->file[0].path, path) != 0) expect_ok(shf_path_unlink(sidecar, &err));
    for (size_t i = 0; i < files->count; i++) write_file(files->file[i].path, files->file[i].bytes, files->file[i].size);
}

static void forget(store_files *files)
{
    for (size_t i = 0; i < files->count; i++) shf_free(files->file[i].bytes);
    files->count = 0;
}

typedef enum outcome { EQUAL, REFUSED, SHORTER, WRONG } outcome;

/* What a reader makes of one array whose content is known. */
static outcome look(sheaf_store *store, const char *name, uint64_t expected, size_t per_row)
{
    sheaf_error err = {0};
    sheaf_array_info info;
    if (sheaf_store_array(store, name, &info, &err) != SHEAF_OK) return REFUSED;
    uint64_t rows = info.shape[0] < expected ? info.shape[0] : expected;
    uint64_t elements;
    const sheaf_selection axes[2] = {sheaf_select_range(0, rows, 1), sheaf_select_all()};
    if (sheaf_store_count(store, name, axes, &elements, &err) != SHEAF_OK) return REFUSED;
    if (elements != rows * per_row) return WRONG;
    size_t bytes = (size_t)elements * sheaf_dtype_size(info.dtype);
    void *got = malloc(bytes + 1), *want = malloc(bytes + 1);
    sheaf_status status = sheaf_store_read(store, name, axes, got, bytes, &err);
    fill_rows(info.dtype, 0, rows, per_row, want);
    outcome seen = status != SHEAF_OK ? REFUSED : memcmp(got, want, bytes) != 0 ? WRONG : EQUAL;
    free(got);
    free(want);
    if (status != SHEAF_OK) assert_true(err.message[0] != '\0');
    if (seen == EQUAL && info.shape[0] != expected) return info.shape[0] < expected ? SHORTER : WRONG;
    return seen;
}

static const struct {
    const char *name;
    bool event;
    size_t per_row;
} g_arrays[] = {{"trajectory", false, 1}, {"assets", false, 24}, {"loss", true, 1}};

/* The worst of all arrays. */
static outcome look_at_all(const char *path, outcome of[3])
{
    sheaf_error err = {0};
    sheaf_store *store = NULL;
    outcome worst = EQUAL;
    if (sheaf_store_open(path, NULL, &store, &err) != SHEAF_OK) {
        assert_true(err.message[0] != '\0');
        return of[0] = of[1] = of[2] = REFUSED;
    }
    for (size_t i = 0; i < 3; i++) {
        of[i] = look(store, g_arrays[i].name, g_arrays[i].event ? run_events(RUN_STEPS) : run_trajectories(RUN_STEPS), g_arrays[i].per_row);
        if (of[i] > worst) worst = of[i];
    }
    expect_ok(sheaf_store_close(&store, &err));
    return worst;
}

typedef struct tally {
    uint64_t hurts, unseen, told, refused;
} tally;

/* One damage has been done: it must not go unnoticed. */
static void expect_noticed(size_t format, const char *path, const char *what, tally *t)
{
    outcome of[3], worst = look_at_all(path, of);
    told damage = {0};
    sheaf_error err = {0};
    uint64_t n_damaged = 0;
    sheaf_status status = sheaf_store_verify(path, note, &damage, &n_damaged, &err);
    t->hurts++;
    if (status != SHEAF_OK) {
        assert_true(err.message[0] != '\0');
        assert_null(strchr(err.message, '\n'));
        t->refused++;
        if (worst != REFUSED) fail_msg("%s: it can be read, but verify says %s", what, err.message);
        return;
    }
    assert_int_equal(damage.count, n_damaged);
    if (n_damaged) {
        t->told++;
        if (damage.placed != damage.count) fail_msg("%s: told without its place: %s", what, damage.first);
    } else if (worst == EQUAL) {
        t->unseen++;
    } else {
        fail_msg("%s: an array is %s and verify does not tell", what,
                 worst == REFUSED   ? "refused"
                 : worst == SHORTER ? "shorter"
                                    : "wrong");
    }
    /* Rows in place, and where HDF5's chunks lie, have checksums that only verify compares. */
    if (worst == WRONG && !strcmp(sheaf_format_name(format), "zarr")) fail_msg("%s: wrong values were read", what);
}

static void make_store(size_t format, const char *path, store_files *files)
{
    sheaf_error err;
    run_progress progress = {0};
    expect_ok(run_steps(format, path, &progress, &err));
    files->count = 0;
    collect(files, path);
    outcome of[3];
    assert_int_equal(look_at_all(path, of), EQUAL);
}

/* The first and last bytes and some between. */
static size_t position(size_t size, size_t k, size_t n)
{
    if (k < 6) return k % size;
    if (k < 12) return size - 1 - (k - 6) % size;
    return (size_t)(((uint64_t)size * (k - 11) / (n - 10) + k * 7) % size);
}

static void flip_format(size_t format)
{
    test_folder folder;
    char path[512], what[700];
    store_files files;
    tally t = {0};
    folder_make(&folder);
    store_path(&folder, format, "flip", path, sizeof path);
    make_store(format, path, &files);
    for (size_t i = 0; i < files.count; i++) {
        const store_file *file = &files.file[i];
        uint8_t *bytes = malloc(file->size + 1);
        assert_non_null(bytes);
        for (size_t k = 0; file->size && k < SPREAD; k++) {
            size_t at = position(file->size, k, SPREAD);
            memcpy(bytes, file->bytes, file->size);
            bytes[at] ^= (uint8_t)(1u << (k * 5 % 8));
            write_file(file->path, bytes, file->size);
            snprintf(what, sizeof what, "%s, bit %zu of byte %zu", file->path, k * 5 % 8, at);
            expect_noticed(format, path, what, &t);
        }
        free(bytes);
        write_file(file->path, file->bytes, file->size);
    }
    printf("%s: %llu flipped bits in %zu files: %llu told by verify, %llu refused, %llu change nothing that is read\n",
           sheaf_format_name(format), (unsigned long long)t.hurts, files.count, (unsigned long long)t.told, (unsigned long long)t.refused,
           (unsigned long long)t.unseen);
    assert_true(t.told > t.hurts / 4);
    forget(&files);
    folder_remove(&folder);
}

static void cut_format(size_t format)
{
    test_folder folder;
    char path[512], what[700];
    store_files files;
    tally t = {0};
    folder_make(&folder);
    store_path(&folder, format, "cut", path, sizeof path);
    make_store(format, path, &files);
    for (size_t i = 0; i < files.count; i++) {
        const store_file *file = &files.file[i];
        for (size_t k = 0; k < CUTS; k++) {
            size_t size = k < CUTS - 1 ? file->size * k / (CUTS - 1) : file->size - 1;
            write_file(file->path, file->bytes, size);
            snprintf(what, sizeof what, "%s, cut from %zu to %zu bytes", file->path, file->size, size);
            expect_noticed(format, path, what, &t);
        }
        assert_int_equal(unlink(file->path), 0);
        snprintf(what, sizeof what, "%s taken away", file->path);
        if (strcmp(file->path, path) != 0) expect_noticed(format, path, what, &t);
        write_file(file->path, file->bytes, file->size);
    }
    printf("%s: %llu cuts of %zu files: %llu told by verify, %llu refused, %llu change nothing that is read\n", sheaf_format_name(format),
           (unsigned long long)t.hurts, files.count, (unsigned long long)t.told, (unsigned long long)t.refused,
           (unsigned long long)t.unseen);
    assert_true(t.told > t.hurts / 4);
    forget(&files);
    folder_remove(&folder);
}

static void a_flipped_bit_never_goes_unnoticed(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++)
        if (!is_mem(f)) flip_format(f);
}

static void a_cut_or_missing_file_never_goes_unnoticed(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++)
        if (!is_mem(f)) cut_format(f);
}

/* ---- repair ---- */

/* Rows that are neither what was stored nor fill values: none may be; the others are counted. */
static uint64_t count_lost(sheaf_store *store, size_t k, const char *what)
{
    sheaf_error err;
    sheaf_array_info info;
    uint64_t lost = 0, rows = g_arrays[k].event ? run_events(RUN_STEPS) : run_trajectories(RUN_STEPS);
    expect_ok(sheaf_store_array(store, g_arrays[k].name, &info, &err));
    if (info.shape[0] != rows) fail_msg("%s: %s has %llu rows", what, info.name, (unsigned long long)info.shape[0]);
    size_t n = (size_t)rows * g_arrays[k].per_row, item = sheaf_dtype_size(info.dtype);
    uint8_t *got = malloc(n * item), *want = malloc(n * item), fill[8];
    expect_ok(sheaf_store_read(store, g_arrays[k].name, NULL, got, n * item, &err));
    fill_rows(info.dtype, 0, rows, g_arrays[k].per_row, want);
    shf_dtype_fill(info.dtype, fill, 1);
    for (size_t e = 0; e < n; e++) {
        if (!memcmp(got + e * item, want + e * item, item)) continue;
        lost++;
        if (memcmp(got + e * item, fill, item) != 0)
            fail_msg("%s: element %zu of %s is neither what it was nor a fill value", what, e, info.name);
    }
    free(got);
    free(want);
    return lost;
}

/* After a repair that says it could: nothing is damaged, what was whole is equal, the rest are fill values. */
static void expect_repaired(const char *path, const char *what, const outcome before[3], uint64_t given_up)
{
    sheaf_error err;
    sheaf_store *store = NULL;
    told again = {0};
    uint64_t n_damaged, lost = 0;
    expect_ok(sheaf_store_verify(path, note, &again, &n_damaged, &err));
    if (n_damaged) fail_msg("%s: after repair there is still: %s", what, again.first);
    expect_ok(sheaf_store_open(path, NULL, &store, &err));
    for (size_t k = 0; k < 3; k++) {
        uint64_t here = count_lost(store, k, what);
        if (here && before[k] == EQUAL) fail_msg("%s: repair lost values of %s, which was whole", what, g_arrays[k].name);
        lost += here;
    }
    if (lost && !given_up) fail_msg("%s: repair lost %llu values and does not tell", what, (unsigned long long)lost);
    expect_ok(sheaf_store_close(&store, &err));
}

static void repair_format(size_t format)
{
    test_folder folder;
    char path[512], what[700];
    store_files files;
    uint64_t hurts = 0, repaired = 0, refused = 0;
    folder_make(&folder);
    store_path(&folder, format, "repair", path, sizeof path);
    make_store(format, path, &files);
    for (size_t i = 0; i < files.count; i++) {
        const store_file *file = &files.file[i];
        bool is_data = file->size > 2048;
        for (size_t k = 0; file->size && k < (is_data ? 12u : 4u); k++) {
            size_t at = (size_t)((uint64_t)file->size * k / (is_data ? 12 : 4) + 3) % file->size;
            uint8_t flipped = file->bytes[at] ^ 0x10;
            outcome of[3];
            told gone = {0};
            sheaf_error err = {0};
            uint64_t n = 0;
            FILE *f = fopen(file->path, "r+b");
            assert_non_null(f);
            assert_int_equal(fseek(f, (long)at, SEEK_SET), 0);
            assert_int_equal(fwrite(&flipped, 1, 1, f), 1);
            assert_int_equal(fclose(f), 0);
            snprintf(what, sizeof what, "%s, byte %zu", file->path, at);
            (void)look_at_all(path, of);
            hurts++;
            sheaf_status status = sheaf_store_repair(path, note, &gone, &n, &err);
            if (status == SHEAF_OK) {
                assert_int_equal(gone.count, n);
                expect_repaired(path, what, of, n);
                repaired++;
            } else {
                assert_true(err.message[0] != '\0');
                refused++;
            }
            restore(path, &files);
        }
    }
    printf("%s: %llu damages, %llu repaired, %llu refused with an error\n", sheaf_format_name(format), (unsigned long long)hurts,
           (unsigned long long)repaired, (unsigned long long)refused);
    assert_true(repaired > hurts / 2);
    forget(&files);
    folder_remove(&folder);
}

static void repair_keeps_what_is_whole_and_tells_the_rest(void **state)
{
    (void)state;
    for (size_t f = 0; sheaf_format_name(f); f++)
        if (!is_mem(f)) repair_format(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flipped_bit_never_goes_unnoticed),
        cmocka_unit_test(a_cut_or_missing_file_never_goes_unnoticed),
        cmocka_unit_test(repair_keeps_what_is_whole_and_tells_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
