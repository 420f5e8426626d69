// SPDX-License-Identifier: Apache-2.0
/* Damaged Parquet files: bytes changed, zeroed, swapped or cut off in files of ours (all codecs, checksums in every page) and in those of the
 * fuzzer's corpus. Nothing may crash; every error says something; a change within a page's body is an error of its column with the offset, never
 * another value. SHEAF_MUTATIONS says how many files (default 3000). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "format/parquet/meta.h"
#include "interchange/parquet_file.h"
#include "interchange/parquet_writer.h"

enum { N_ROWS = 700, N_COLUMNS = 6, MAX_SEEDS = 32, MAX_PAGES = 4096 };

static uint64_t random_state = 88172645463325252u;
static uint64_t random_bits(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state;
}

/* A page's body and whose it is. */
typedef struct body {
    size_t at, size, column;
} body;

typedef struct seed {
    char name[64];
    uint8_t *bytes;
    size_t size;
    bool checked; /* every page has a checksum, and what it holds is known */
    size_t n_columns;
    shf_parquet_vector columns[64];
    body bodies[MAX_PAGES];
    size_t n_bodies;
} seed;

static int file_of(const uint8_t *bytes, size_t size, char *path, size_t capacity)
{
    int fd = memfd_create("parquet", 0);
    assert_true(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    snprintf(path, capacity, "/proc/self/fd/%d", fd);
    return fd;
}

/* ---- seeds ---- */
static void make_values(shf_parquet_values *columns, uint64_t salt)
{
    static int64_t ids[N_ROWS];
    static double walk[N_ROWS], losses[N_ROWS];
    static uint8_t flags[N_ROWS], valid[N_ROWS];
    static uint64_t offsets[N_ROWS + 1];
    static char text[N_ROWS * 12];
    double value = 100;
    for (size_t i = 0; i < N_ROWS; i++) {
        uint64_t bits = random_bits() + salt;
        ids[i] = (int64_t)(i * 3);
        walk[i] = value += (double)(bits % 1000) / 500 - 1;
        losses[i] = bits / 1000 % 10 < 7 ? 0 : (double)(bits >> 20);
        flags[i] = bits >> 40 & 1;
        valid[i] = bits >> 41 & 3 ? 1 : 0;
        offsets[i + 1] = offsets[i] + (uint64_t)snprintf(text + offsets[i], 12, "name %u", (unsigned)(bits >> 45 & 31));
    }
    columns[0] = (shf_parquet_values){.values = ids};
    columns[1] = (shf_parquet_values){.values = walk};
    columns[2] = (shf_parquet_values){.values = losses, .valid = valid};
    columns[3] = (shf_parquet_values){.values = flags, .valid = valid};
    columns[4] = (shf_parquet_values){.values = text, .offsets = offsets};
    columns[5] = (shf_parquet_values){.values = walk, .valid = valid};
}

static void load(seed *s, const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    s->bytes = malloc(1 << 20);
    s->size = fread(s->bytes, 1, 1 << 20, f);
    fclose(f);
}

/* From the offset index of each chunk: a page's header is read to find where its body begins. */
static void find_bodies(seed *s)
{
    shf_pq_footer footer;
    sheaf_error err;
    uint32_t n;
    memcpy(&n, s->bytes + s->size - 8, 4);
    assert_int_equal(shf_pq_footer_scan(&footer, s->bytes + s->size - 8 - n, n, &err), SHEAF_OK);
    for (size_t g = 0; g < footer.n_groups; g++)
        for (size_t c = 0; c < footer.n_columns; c++) {
            shf_pq_chunk chunk;
            assert_int_equal(shf_pq_footer_chunk(&footer, g, c, &chunk, &err), SHEAF_OK);
            size_t at = (size_t)(chunk.dictionary_page_offset ? chunk.dictionary_page_offset : chunk.data_page_offset);
            for (size_t stop = at + (size_t)chunk.compressed_size; at < stop;) {
                shf_pq_page page;
                size_t used;
                assert_int_equal(shf_pq_read_page(s->bytes + at, stop - at, &page, &used, &err), SHEAF_OK);
                assert_true(page.has_crc && s->n_bodies < MAX_PAGES);
                s->bodies[s->n_bodies++] = (body){at + used, (size_t)page.compressed_size, c};
                at += used + (size_t)page.compressed_size;
            }
        }
    shf_pq_footer_free(&footer);
}

static void make_seed(seed *s, shf_pq_compression codec, uint64_t salt)
{
    static const char *const names[] = {"ids", "walk", "losses", "flags", "text", "some"};
    shf_pq_field fields[N_COLUMNS] = {SHF_PARQUET_I64(names[0]),  SHF_PARQUET_F64(names[1]),  SHF_PARQUET_F64(names[2]),
                                      SHF_PARQUET_BOOL(names[3]), SHF_PARQUET_TEXT(names[4]), SHF_PARQUET_F64(names[5])};
    fields[2].optional = fields[3].optional = fields[5].optional = true;
    shf_parquet_values columns[N_COLUMNS];
    make_values(columns, salt);
    shf_parquet_write_options options = SHF_PARQUET_WRITE_OPTIONS;
    options.codec = codec;
    options.rows_per_page = 90;
    options.rows_per_group = 400;
    char path[64];
    snprintf(path, sizeof path, "/tmp/sheaf-mutations-%d.parquet", (int)getpid());
    sheaf_error err;
    shf_parquet_writer *writer;
    assert_int_equal(shf_parquet_writer_create(path, fields, N_COLUMNS, &options, &writer, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_append(writer, N_ROWS, columns, &err), SHEAF_OK);
    assert_int_equal(shf_parquet_writer_close(&writer, &err), SHEAF_OK);
    load(s, path);
    shf_parquet *file;
    assert_int_equal(shf_parquet_open(path, &file, &err), SHEAF_OK);
    for (size_t c = 0; c < N_COLUMNS; c++) assert_int_equal(shf_parquet_read(file, c, 0, N_ROWS, &s->columns[c], &err), SHEAF_OK);
    shf_parquet_free(file);
    unlink(path);
    snprintf(s->name, sizeof s->name, "%s", shf_pq_compression_name((int32_t)codec));
    s->checked = true;
    s->n_columns = N_COLUMNS;
    find_bodies(s);
}

static size_t add_corpus(seed *seeds, size_t n)
{
    const char *folder = SHEAF_SOURCE_DIR "/fuzz/corpus/parquet";
    DIR *dir = opendir(folder);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir)) && n < MAX_SEEDS;) {
        char path[1024];
        if (entry->d_name[0] == '.') continue;
        snprintf(path, sizeof path, "%s/%s", folder, entry->d_name);
        snprintf(seeds[n].name, sizeof seeds[n].name, "%.60s", entry->d_name);
        load(&seeds[n++], path);
    }
    closedir(dir);
    return n;
}

/* ---- mutation ---- */
static size_t mutate(uint8_t *bytes, size_t size, size_t at)
{
    switch (random_bits() % 6) {
    case 0: bytes[at] ^= (uint8_t)(1u << random_bits() % 8); break;
    case 1: bytes[at] = (uint8_t)random_bits(); break;
    case 2: bytes[at] = random_bits() & 1 ? 0xFF : 0x7F; break;
    case 3: memset(bytes + at, 0, size - at < 16 ? size - at : 16); break;
    case 4: {
        size_t other = random_bits() % size, n = 1 + random_bits() % 32;
        n = n > size - at ? size - at : n;
        n = n > size - other ? size - other : n;
        memmove(bytes + at, bytes + other, n);
        break;
    }
    default: return at; /* cut off */
    }
    return size;
}

static bool same_vector(const shf_parquet_vector *a, const shf_parquet_vector *b)
{
    if (a->n_rows != b->n_rows || a->n_nulls != b->n_nulls || a->type != b->type) return false;
    size_t n = (size_t)a->n_rows;
    if (a->valid && memcmp(a->valid, b->valid, n) != 0) return false;
    if (a->values) return memcmp(a->values, b->values, n * a->value_size) == 0;
    return memcmp(a->offsets, b->offsets, (n + 1) * 8) == 0 && memcmp(a->bytes, b->bytes, (size_t)a->offsets[n]) == 0;
}

typedef struct tally {
    size_t files, refused, errors, read;
} tally;

/* hit: the column whose page body alone was changed; SIZE_MAX when anything may differ. */
static void read_column(const seed *s, shf_parquet *file, size_t column, size_t hit, tally *count)
{
    sheaf_error err;
    shf_parquet_vector vector;
    sheaf_status status = shf_parquet_read(file, column, 0, shf_parquet_rows(file), &vector, &err);
    count->errors += status != SHEAF_OK;
    count->read += status == SHEAF_OK;
    if (status != SHEAF_OK) {
        assert_true(err.message[0] != '\0');
        if (hit != SIZE_MAX && (column != hit || !err.array[0] || err.byte < 0 || status != SHEAF_ERR_DAMAGED))
            fail_msg("%s: column %zu of %zu: %s (column \"%s\", byte %lld)", s->name, column, hit, err.message, err.array,
                     (long long)err.byte);
    } else if (hit != SIZE_MAX && !same_vector(&vector, &s->columns[column])) {
        fail_msg("%s: column %zu reads other values, and all seems well", s->name, column);
    }
    shf_parquet_vector_free(&vector);
    double some[64];
    if (shf_parquet_rows(file) >= 100 && shf_parquet_read_f64(file, column, 30, 64, some, &err)) assert_true(err.message[0] != '\0');
}

static void read_file(const seed *s, const uint8_t *bytes, size_t size, size_t hit, tally *count)
{
    char path[64];
    sheaf_error err;
    shf_parquet *file;
    int fd = file_of(bytes, size, path, sizeof path);
    sheaf_status status = shf_parquet_open(path, &file, &err);
    count->files++;
    if (status != SHEAF_OK) {
        assert_true(err.message[0] != '\0' && hit == SIZE_MAX);
        count->refused++;
    } else {
        if (shf_parquet_rows(file) < 1 << 20)
            for (size_t c = 0; c < shf_parquet_columns(file) && c < 64; c++) read_column(s, file, c, hit, count);
        shf_parquet_free(file);
    }
    close(fd);
}

static void mutate_one(const seed *s, tally *count)
{
    uint8_t *bytes = malloc(s->size);
    memcpy(bytes, s->bytes, s->size);
    size_t size = s->size, hit = SIZE_MAX;
    if (s->checked && random_bits() % 2) {
        const body *b = &s->bodies[random_bits() % s->n_bodies];
        if (b->size > 0) {
            bytes[b->at + random_bits() % b->size] ^= (uint8_t)(1 + random_bits() % 255);
            hit = b->column;
        }
    } else {
        for (size_t times = 1 + random_bits() % 3; times > 0 && size > 0; times--) {
            /* the footer, at the end, deserves more than its share */
            size_t at = random_bits() % size;
            if (random_bits() % 2) at = size - 1 - random_bits() % (size < 1500 ? size : 1500);
            size = mutate(bytes, size, at);
        }
    }
    uint8_t *exact = malloc(size ? size : 1); /* a sanitizer sees reads beyond */
    memcpy(exact, bytes, size);
    read_file(s, exact, size, hit, count);
    free(exact);
    free(bytes);
}

static void damaged_files_are_refused_or_read_alike(void **state)
{
    (void)state;
    static seed seeds[MAX_SEEDS];
    static const shf_pq_compression codecs[] = {SHF_PQ_UNCOMPRESSED, SHF_PQ_SNAPPY, SHF_PQ_GZIP, SHF_PQ_ZSTD, SHF_PQ_LZ4_RAW};
    size_t n = 0;
    for (; n < sizeof codecs / sizeof *codecs; n++) make_seed(&seeds[n], codecs[n], n);
    n = add_corpus(seeds, n);
    const char *wish = getenv("SHEAF_MUTATIONS");
    size_t n_files = wish ? strtoull(wish, NULL, 10) : 3000;
    tally count = {0};
    for (size_t i = 0; i < n_files; i++) mutate_one(&seeds[i % n], &count);
    print_message("%zu files of %zu seeds: %zu refused; of the columns of the others %zu errors, %zu read\n", count.files, n, count.refused,
                  count.errors, count.read);
    assert_true(count.refused > 0 && count.errors > 0 && count.read > 0);
    for (size_t i = 0; i < n; i++) {
        free(seeds[i].bytes);
        for (size_t c = 0; c < seeds[i].n_columns; c++) shf_parquet_vector_free(&seeds[i].columns[c]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(damaged_files_are_refused_or_read_alike),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
