// SPDX-License-Identifier: Apache-2.0
/* .npz: one array of it, with its times where a member `time` or `t` has them. `time` (M,) beside `data` (d, N, M), as SDE storages lay it out, is told
 * by these names: its last axis is the time. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/dtype.h"
#include "format/zip.h"
#include "interchange/import.h"
#include "io/file.h"

enum { PASS_BYTES = 64 << 20, MOST_TIMES = 1 << 28 };

typedef struct npz {
    shf_file file;
    shf_zip_reader *zip;
    shf_importer *in;
    double *times;
    uint64_t n_times;
} npz;

typedef struct member {
    shf_zip_stream *stream;
    shf_stream source;
    shf_npy_header header;
} member;

static sheaf_status read_at(void *context, uint64_t offset, void *to, size_t n, sheaf_error *err)
{
    return shf_file_read(context, to, n, offset, err);
}

static sheaf_status next_bytes(void *context, void *to, size_t n, size_t *got, sheaf_error *err)
{
    return shf_zip_stream_read(context, to, n, got, err);
}

static sheaf_status open_member(const npz *z, const char *name, member *m, sheaf_error *err)
{
    const shf_zip_member *found = shf_zip_find(z->zip, name);
    if (!found) return shf_fail_at(err, SHEAF_ERR_NOT_FOUND, NULL, name, -1, -1, "there is no member \"%s\"", name);
    SHF_TRY(shf_zip_stream_open(z->zip, found, &m->stream, err));
    m->source = (shf_stream){next_bytes, m->stream};
    sheaf_status status = shf_npy_read_header(&m->source, &m->header, err);
    if (status != SHEAF_OK) {
        shf_zip_stream_free(m->stream);
        m->stream = NULL;
        shf_error_locate(err, NULL, name, -1, -1);
    }
    return status;
}

/* The values of a one-dimensional member as f64, when there is such a one. */
static sheaf_status read_times(npz *z, const char *name, sheaf_error *err)
{
    member m = {0};
    if (!shf_zip_find(z->zip, name)) return SHEAF_OK;
    SHF_TRY(open_member(z, name, &m, err));
    size_t size = sheaf_dtype_size(m.header.dtype),
           n = m.header.ndim == 1 && m.header.shape[0] <= MOST_TIMES ? (size_t)m.header.shape[0] : 0;
    sheaf_status status = SHEAF_OK;
    if (n) {
        uint8_t *raw = shf_malloc(n * size);
        z->times = shf_malloc(n * sizeof *z->times);
        z->n_times = n;
        status = raw && z->times ? shf_npy_read_values(&m.source, &m.header, raw, n, err) : shf_fail_memory(err, n * size, name);
        if (status == SHEAF_OK) shf_dtype_convert(m.header.dtype, raw, SHEAF_F64, z->times, n);
        shf_free(raw);
    }
    shf_zip_stream_free(m.stream);
    return status;
}

/* ---- which member ---- */

static bool is_time(const char *name)
{
    return strcmp(name, "time.npy") == 0 || strcmp(name, "t.npy") == 0;
}

static sheaf_status fail_many(const npz *z, const char *path, sheaf_error *err)
{
    char names[256];
    size_t n = 0;
    for (size_t i = 0; i < shf_zip_count(z->zip) && n < sizeof names; i++) {
        const char *name = shf_zip_member_at(z->zip, i)->name;
        size_t length = strlen(name);
        if (length > 4 && strcmp(name + length - 4, ".npy") == 0) length -= 4;
        n += (size_t)snprintf(names + n, sizeof names - n, " %.*s", (int)length, name);
    }
    return shf_fail_at(err, SHEAF_ERR_ARGUMENT, path, NULL, -1, -1, "the file holds %zu arrays; say which one:%s", shf_zip_count(z->zip),
                       n ? names : "");
}

static sheaf_status choose(const npz *z, const char *path, char *name, size_t capacity, sheaf_error *err)
{
    const char *asked = z->in->spec->array;
    name[0] = '\0';
    if (asked) {
        snprintf(name, capacity, "%s.npy", asked);
        if (!shf_zip_find(z->zip, name)) snprintf(name, capacity, "%s", asked);
        if (shf_zip_find(z->zip, name)) return SHEAF_OK;
        sheaf_status status = fail_many(z, path, err);
        if (err) {
            err->code = SHEAF_ERR_NOT_FOUND;
            char said[sizeof err->message];
            memcpy(said, err->message, sizeof said);
            snprintf(err->message, sizeof err->message, "there is no array \"%.80s\": %.400s", asked, said);
        }
        return status == SHEAF_OK ? status : SHEAF_ERR_NOT_FOUND;
    }
    size_t n = 0;
    for (size_t i = 0; i < shf_zip_count(z->zip); i++) {
        const char *one = shf_zip_member_at(z->zip, i)->name;
        if (is_time(one) && shf_zip_count(z->zip) > 1) continue;
        snprintf(name, capacity, "%s", one);
        n++;
    }
    return n == 1 ? SHEAF_OK : fail_many(z, path, err);
}

/* ---- (d, N, M), the time last ---- */

/* Column-major: its bytes are (M, N, d). */
static sheaf_status time_last_in_steps(npz *z, member *m, sheaf_error *err)
{
    size_t d = (size_t)m->header.shape[0], n = (size_t)m->header.shape[1], size = sheaf_dtype_size(m->header.dtype);
    uint8_t *raw = shf_malloc(d * n * size + 1), *row = shf_malloc(d * n * size + 1);
    sheaf_status status = raw && row ? SHEAF_OK : shf_fail_memory(err, d * n * size, "a step");
    for (uint64_t t = 0; t < m->header.shape[2] && status == SHEAF_OK; t++) {
        status = shf_npy_read_values(&m->source, &m->header, raw, d * n, err);
        for (size_t j = 0; j < n && status == SHEAF_OK; j++)
            for (size_t i = 0; i < d; i++) memcpy(row + (i * n + j) * size, raw + (j * d + i) * size, size);
        if (status == SHEAF_OK) status = shf_importer_row(z->in, row, &z->times[t], NULL, err);
    }
    shf_free(raw);
    shf_free(row);
    return status;
}

/* Steps first … first + n - 1 of row-major (d, N, M): one pass over the member. */
static sheaf_status gather_steps(member *m, uint64_t first, size_t n, uint8_t *line, uint8_t *steps, sheaf_error *err)
{
    size_t items = (size_t)(m->header.shape[0] * m->header.shape[1]), size = sheaf_dtype_size(m->header.dtype);
    for (size_t e = 0; e < items; e++) {
        SHF_TRY(shf_npy_read_values(&m->source, &m->header, line, (size_t)m->header.shape[2], err));
        for (size_t t = 0; t < n; t++) memcpy(steps + (t * items + e) * size, line + (first + t) * size, size);
    }
    return SHEAF_OK;
}

/* Row-major: each step is spread over the whole member, so it is read as often as memory asks for. */
static sheaf_status time_last_in_passes(npz *z, const char *name, member *m, sheaf_error *err)
{
    size_t row = z->in->row_bytes, size = sheaf_dtype_size(m->header.dtype);
    uint64_t n_steps = m->header.shape[2];
    size_t block = (size_t)shf_max_u64(1, shf_min_u64(PASS_BYTES / (row + 1), n_steps));
    uint8_t *steps = shf_malloc(block * row + 1), *line = shf_malloc((size_t)n_steps * size + 1);
    sheaf_status status = steps && line ? SHEAF_OK : shf_fail_memory(err, block * row, "steps");
    for (uint64_t first = 0; first < n_steps && status == SHEAF_OK; first += block) {
        size_t n = (size_t)shf_min_u64(block, n_steps - first);
        if (first) {
            shf_zip_stream_free(m->stream);
            m->stream = NULL;
            status = open_member(z, name, m, err);
        }
        if (status == SHEAF_OK) status = gather_steps(m, first, n, line, steps, err);
        for (size_t t = 0; t < n && status == SHEAF_OK; t++)
            status = shf_importer_row(z->in, steps + t * row, &z->times[first + t], NULL, err);
    }
    shf_free(steps);
    shf_free(line);
    return status;
}

static bool is_time_last(const npz *z, const char *name, const shf_npy_header *h)
{
    return strcmp(name, "data.npy") == 0 && h->ndim == 3 && z->times && z->n_times == h->shape[2] && z->in->spec->kind == SHEAF_BY_STEP;
}

static sheaf_status take(npz *z, const char *name, sheaf_error *err)
{
    member m = {0};
    char variable[SHEAF_MAX_NAME + 1];
    snprintf(variable, sizeof variable, "%.*s", SHEAF_MAX_NAME, name);
    size_t length = strlen(variable);
    if (length > 4 && strcmp(variable + length - 4, ".npy") == 0) variable[length - 4] = '\0';
    shf_importer_rename(z->in, variable);
    SHF_TRY(open_member(z, name, &m, err));
    sheaf_status status;
    if (is_time_last(z, name, &m.header)) {
        status = shf_importer_begin(z->in, m.header.dtype, 2, m.header.shape, err);
        if (status == SHEAF_OK) status = m.header.fortran_order ? time_last_in_steps(z, &m, err) : time_last_in_passes(z, name, &m, err);
    } else {
        bool timed = z->times && m.header.ndim && z->n_times == m.header.shape[0] && z->in->spec->kind == SHEAF_BY_STEP && !is_time(name);
        status = shf_npy_import(&m.source, &m.header, timed ? z->times : NULL, z->in, err);
    }
    shf_zip_stream_free(m.stream);
    return status;
}

sheaf_status shf_import_npz(const char *path, shf_importer *in, sheaf_error *err)
{
    npz z = {.file = SHF_FILE_CLOSED, .in = in};
    char name[1024];
    uint64_t size = 0;
    SHF_TRY(shf_file_open(&z.file, path, SHF_OPEN_READ, err));
    sheaf_status status = shf_file_size(&z.file, &size, err);
    if (status == SHEAF_OK) status = shf_zip_open(read_at, &z.file, size, &z.zip, err);
    if (status == SHEAF_OK) status = choose(&z, path, name, sizeof name, err);
    if (status == SHEAF_OK) status = read_times(&z, "time.npy", err);
    if (status == SHEAF_OK && !z.times) status = read_times(&z, "t.npy", err);
    if (status == SHEAF_OK) status = take(&z, name, err);
    if (status != SHEAF_OK) shf_error_locate(err, path, NULL, -1, -1);
    shf_free(z.times);
    shf_zip_free(z.zip);
    sheaf_status closed = shf_file_close(&z.file, status == SHEAF_OK ? err : NULL);
    return status != SHEAF_OK ? status : closed;
}
