// SPDX-License-Identifier: Apache-2.0
#include "interchange/parquet_file.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "interchange/parquet_inside.h"

enum { TAIL_BYTES = 64 << 10, MAGIC_BYTES = 4, TRAILER_BYTES = 8, PADDING = 16 };

sheaf_status shf_parquet_pread(shf_parquet *file, void *to, size_t n, uint64_t offset, sheaf_error *err)
{
    atomic_fetch_add_explicit(&file->bytes_read, n, memory_order_relaxed);
    return shf_file_read(&file->io, to, n, offset, err);
}

sheaf_status shf_parquet_locate(const shf_parquet *file, size_t column, int64_t byte, sheaf_status status, sheaf_error *err)
{
    if (status == SHEAF_OK || !err) return status;
    char path[sizeof err->array], message[sizeof err->message];
    bool named = err->array[0] != '\0';
    shf_parquet_column_path(file, column, path, sizeof path);
    shf_error_locate(err, file->io.path, path, -1, byte);
    if (named) return status;
    int n = snprintf(message, sizeof message, "column \"%s\"", path);
    if (err->byte >= 0) n += snprintf(message + n, sizeof message - (size_t)n, " at byte %lld", (long long)err->byte);
    snprintf(message + n, sizeof message - (size_t)n, ": %.400s", err->message);
    memcpy(err->message, message, sizeof message);
    return status;
}

/* ---- open ---- */
static sheaf_status fail_open(const shf_parquet *file, sheaf_status code, int64_t byte, const char *why, sheaf_error *err)
{
    return shf_fail_at(err, code, file->io.path, NULL, -1, byte, "%s: %s", file->io.path, why);
}

/* The file ends: footer, its length in 4 bytes, "PAR1". */
static sheaf_status read_trailer(shf_parquet *file, const uint8_t *tail, uint64_t *footer_size, sheaf_error *err)
{
    if (memcmp(tail + 4, "PARE", 4) == 0) return fail_open(file, SHEAF_ERR_UNSUPPORTED, -1, "a Parquet file with an encrypted footer", err);
    if (memcmp(tail + 4, "PAR1", 4) != 0) {
        uint8_t head[MAGIC_BYTES];
        SHF_TRY(shf_parquet_pread(file, head, sizeof head, 0, err));
        if (memcmp(head, "PAR1", 4) == 0)
            return fail_open(file, SHEAF_ERR_DAMAGED, (int64_t)file->size - 4, "a Parquet file that is cut off: no \"PAR1\" at its end",
                             err);
        return fail_open(file, SHEAF_ERR_INPUT, (int64_t)file->size - 4, "not a Parquet file: no \"PAR1\" at its end", err);
    }
    *footer_size = shf_get_u32(tail);
    if (*footer_size > file->size - TRAILER_BYTES - MAGIC_BYTES) {
        (void)shf_fail_at(err, SHEAF_ERR_DAMAGED, file->io.path, NULL, -1, (int64_t)file->size - TRAILER_BYTES,
                          "%s: a footer of %llu bytes in a file of %llu", file->io.path, (unsigned long long)*footer_size,
                          (unsigned long long)file->size);
        return SHEAF_ERR_DAMAGED;
    }
    return SHEAF_OK;
}

static sheaf_status read_footer(shf_parquet *file, sheaf_error *err)
{
    if (file->size == 0) return fail_open(file, SHEAF_ERR_INPUT, 0, "the file is empty (0 bytes), not a Parquet file", err);
    if (file->size < MAGIC_BYTES + TRAILER_BYTES) return fail_open(file, SHEAF_ERR_INPUT, 0, "too small for a Parquet file", err);
    uint8_t *tail = shf_malloc(TAIL_BYTES);
    if (!tail) return shf_fail_memory(err, TAIL_BYTES, "a footer");
    size_t n_tail = (size_t)shf_min_u64(TAIL_BYTES, file->size);
    uint64_t n = 0;
    sheaf_status status = shf_parquet_pread(file, tail, n_tail, file->size - n_tail, err);
    if (status == SHEAF_OK) status = read_trailer(file, tail + n_tail - TRAILER_BYTES, &n, err);
    if (status == SHEAF_OK && !(file->footer_bytes = shf_malloc((size_t)n + PADDING))) status = shf_fail_memory(err, (size_t)n, "a footer");
    if (status == SHEAF_OK) {
        size_t here = (size_t)shf_min_u64(n, n_tail - TRAILER_BYTES);
        file->footer_at = file->size - TRAILER_BYTES - n;
        memcpy(file->footer_bytes + n - here, tail + n_tail - TRAILER_BYTES - here, here);
        if (n > here) status = shf_parquet_pread(file, file->footer_bytes, (size_t)n - here, file->footer_at, err);
    }
    shf_free(tail);
    if (status == SHEAF_OK) status = shf_pq_footer_scan(&file->footer, file->footer_bytes, (size_t)n, err);
    if (status != SHEAF_OK && err && err->byte >= 0 && file->footer_at && !err->path[0]) err->byte += (int64_t)file->footer_at;
    return status;
}

static sheaf_status open_file(shf_parquet *file, const char *path, sheaf_error *err)
{
    SHF_TRY(shf_file_open(&file->io, path, SHF_OPEN_READ, err));
    SHF_TRY(shf_file_size(&file->io, &file->size, err));
    sheaf_status status = read_footer(file, err);
    if (status == SHEAF_OK && file->footer.encrypted)
        status = fail_open(file, SHEAF_ERR_UNSUPPORTED, -1, "a Parquet file with encrypted columns", err);
    if (status != SHEAF_OK) {
        if (err && !err->path[0]) {
            char message[sizeof err->message];
            snprintf(message, sizeof message, "%.200s: %.300s", path, err->message);
            memcpy(err->message, message, sizeof message);
        }
        shf_error_locate(err, path, NULL, -1, -1);
        return status;
    }
    size_t n_chunks = file->footer.n_groups * file->footer.n_columns;
    file->indexes = shf_calloc(n_chunks + 1, sizeof *file->indexes);
    return file->indexes ? SHEAF_OK : shf_fail_memory(err, n_chunks * sizeof *file->indexes, "a Parquet file");
}

sheaf_status shf_parquet_open(const char *path, shf_parquet **out, sheaf_error *err)
{
    *out = NULL;
    shf_parquet *file = shf_calloc(1, sizeof *file);
    if (!file) return shf_fail_memory(err, sizeof *file, "a Parquet file");
    file->io = (shf_file)SHF_FILE_CLOSED;
    pthread_mutex_init(&file->mutex, NULL);
    sheaf_status status = open_file(file, path, err);
    if (status == SHEAF_OK) *out = file;
    else shf_parquet_free(file);
    return status;
}

void shf_parquet_index_free(shf_parquet_index *index)
{
    if (!index) return;
    shf_pq_dictionary *dictionary = atomic_load(&index->dictionary);
    if (dictionary) shf_pq_dictionary_free(dictionary);
    shf_free(dictionary);
    shf_free(index->pages);
    shf_free(index);
}

static void free_work(shf_parquet_work *work)
{
    shf_codec_work_free(&work->codec);
    shf_buf_free(&work->window);
    shf_buf_free(&work->page);
    shf_buf_free(&work->valid);
    shf_buf_free(&work->values);
    shf_buf_free(&work->scratch);
    shf_free(work);
}

void shf_parquet_free(shf_parquet *file)
{
    if (!file) return;
    size_t n_chunks = file->indexes ? file->footer.n_groups * file->footer.n_columns : 0;
    for (size_t i = 0; i < n_chunks; i++) shf_parquet_index_free(atomic_load(&file->indexes[i]));
    while (file->works) {
        shf_parquet_work *work = file->works;
        file->works = work->next;
        free_work(work);
    }
    shf_free(file->indexes);
    shf_free(file->name_slots);
    shf_pq_footer_free(&file->footer);
    shf_free(file->footer_bytes);
    (void)shf_file_close(&file->io, NULL);
    pthread_mutex_destroy(&file->mutex);
    shf_free(file);
}

/* ---- works ---- */
shf_parquet_work *shf_parquet_work_take(shf_parquet *file, sheaf_error *err)
{
    pthread_mutex_lock(&file->mutex);
    shf_parquet_work *work = file->works;
    if (work) file->works = work->next;
    pthread_mutex_unlock(&file->mutex);
    if (!work) work = shf_calloc(1, sizeof *work);
    if (!work) (void)shf_fail_memory(err, sizeof *work, "a read");
    return work;
}

/* Buffers that a large chunk blew up are not kept. */
static void trim(shf_buf *buf)
{
    enum { KEEP = 2 << 20 };
    if (buf->capacity > KEEP) shf_buf_free(buf);
}

void shf_parquet_work_give(shf_parquet *file, shf_parquet_work *work)
{
    trim(&work->window);
    trim(&work->page);
    trim(&work->valid);
    trim(&work->values);
    trim(&work->scratch);
    pthread_mutex_lock(&file->mutex);
    work->next = file->works;
    file->works = work;
    pthread_mutex_unlock(&file->mutex);
}

/* ---- what the file says of itself ---- */
uint64_t shf_parquet_rows(const shf_parquet *file)
{
    return (uint64_t)file->footer.n_rows;
}

size_t shf_parquet_columns(const shf_parquet *file)
{
    return file->footer.n_columns;
}

size_t shf_parquet_groups(const shf_parquet *file)
{
    return file->footer.n_groups;
}

uint64_t shf_parquet_group_rows(const shf_parquet *file, size_t group)
{
    if (group >= file->footer.n_groups) return 0;
    return (uint64_t)(file->footer.group_first_row[group + 1] - file->footer.group_first_row[group]);
}

uint64_t shf_parquet_bytes_read(const shf_parquet *file)
{
    return atomic_load_explicit(&((shf_parquet *)(uintptr_t)file)->bytes_read, memory_order_relaxed);
}

const char *shf_parquet_metadata(const shf_parquet *file, const char *key, size_t *size)
{
    return (const char *)shf_pq_footer_metadata(&file->footer, key, size);
}

sheaf_status shf_parquet_statistics(const shf_parquet *file, size_t group, size_t column, shf_pq_statistics *out, sheaf_error *err)
{
    if (group >= file->footer.n_groups || column >= file->footer.n_columns)
        return shf_fail(err, SHEAF_ERR_RANGE, "chunk of row group %zu (of %zu) and column %zu (of %zu)", group, file->footer.n_groups,
                        column, file->footer.n_columns);
    shf_pq_chunk chunk;
    sheaf_status status = shf_pq_footer_chunk(&file->footer, group, column, &chunk, err);
    *out = chunk.statistics;
    return shf_parquet_locate(file, column, -1, status, err);
}

sheaf_status shf_parquet_column_info(const shf_parquet *file, size_t column, shf_parquet_column *out, sheaf_error *err)
{
    if (column >= file->footer.n_columns)
        return shf_fail_at(err, SHEAF_ERR_RANGE, file->io.path, NULL, -1, -1, "%s: column %zu of %zu", file->io.path, column,
                           file->footer.n_columns);
    shf_pq_schema_element element;
    SHF_TRY(shf_pq_footer_column(&file->footer, column, &element, err));
    *out = (shf_parquet_column){
        .name = (const char *)element.name,
        .name_size = element.name_size,
        .type = (shf_pq_type)element.type,
        .type_length = element.type_length > 0 ? (size_t)element.type_length : 0,
        .optional = element.repetition == SHF_PQ_OPTIONAL,
        .nested = file->footer.nested[column],
        .logical = element.logical,
        .unit = element.unit,
        .utc = element.utc,
        .is_signed = element.is_signed,
        .bits = element.bits,
        .scale = element.scale,
        .precision = element.precision,
    };
    return SHEAF_OK;
}
