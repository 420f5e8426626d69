// SPDX-License-Identifier: Apache-2.0
#include "interchange/parquet_writer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "interchange/parquet_writer_inside.h"

enum { PENDING_BYTES = 256 << 10, DIRECT_BYTES = 32 << 10 }; /* more than DIRECT_BYTES at once is not copied first */

/* ---- bytes ---- */
sheaf_status shf_parquet_flush(shf_parquet_writer *writer, sheaf_error *err)
{
    SHF_TRY(shf_file_write(&writer->io, writer->pending.data, writer->pending.size, writer->pending_at, err));
    writer->pending_at += writer->pending.size;
    writer->pending.size = 0;
    return SHEAF_OK;
}

sheaf_status shf_parquet_put(shf_parquet_writer *writer, const void *bytes, size_t n, sheaf_error *err)
{
    if (writer->pending.size > 0 && (n > DIRECT_BYTES || writer->pending.size + n > PENDING_BYTES)) SHF_TRY(shf_parquet_flush(writer, err));
    if (n <= DIRECT_BYTES) return shf_buf_append(&writer->pending, bytes, n, err);
    SHF_TRY(shf_file_write(&writer->io, bytes, n, writer->pending_at, err));
    writer->pending_at += n;
    return SHEAF_OK;
}

/* ---- create ---- */
shf_pq_field shf_parquet_field_of_dtype(const char *name, sheaf_dtype dtype, bool optional)
{
    shf_pq_field field = {.name = name, .optional = optional, .type = SHF_PQ_INT32};
    switch (dtype) {
    case SHEAF_BOOL: field.type = SHF_PQ_BOOLEAN; return field;
    case SHEAF_F32: field.type = SHF_PQ_FLOAT; return field;
    case SHEAF_F64: field.type = SHF_PQ_DOUBLE; return field;
    case SHEAF_I32: return field;
    case SHEAF_I64: field.type = SHF_PQ_INT64; return field;
    default: break;
    }
    field.logical = SHF_PQ_INTEGER;
    field.bits = (int32_t)sheaf_dtype_size(dtype) * 8;
    field.is_signed = dtype == SHEAF_I8 || dtype == SHEAF_I16;
    if (field.bits == 64) field.type = SHF_PQ_INT64;
    return field;
}

static sheaf_status check_field(const shf_pq_field *field, sheaf_error *err)
{
    bool known = field->type >= SHF_PQ_BOOLEAN && field->type <= SHF_PQ_FIXED && field->type != SHF_PQ_INT96;
    if (!field->name) return shf_fail(err, SHEAF_ERR_ARGUMENT, "a column without a name");
    if (!known || (field->type == SHF_PQ_FIXED && field->type_length <= 0))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, NULL, field->name, -1, -1, "column \"%s\": the type %s cannot be written", field->name,
                           shf_pq_type_name(field->type));
    return SHEAF_OK;
}

static sheaf_status copy_schema(shf_parquet_writer *writer, const shf_pq_field *fields, size_t n, sheaf_error *err)
{
    writer->fields = shf_calloc(n + 1, sizeof *writer->fields);
    if (!writer->fields) return shf_fail_memory(err, n * sizeof *writer->fields, "a schema");
    for (size_t i = 0; i < n; i++) {
        SHF_TRY(check_field(&fields[i], err));
        writer->fields[i] = fields[i];
        writer->fields[i].name = shf_strdup(fields[i].name);
        writer->n_fields = i + 1;
        if (!writer->fields[i].name) return shf_fail_memory(err, strlen(fields[i].name), "a schema");
    }
    return SHEAF_OK;
}

static sheaf_status copy_metadata(shf_parquet_writer *writer, const shf_parquet_write_options *options, sheaf_error *err)
{
    writer->metadata = shf_calloc(options->n_metadata * 2 + 1, sizeof *writer->metadata);
    if (!writer->metadata) return shf_fail_memory(err, options->n_metadata * 2 * sizeof *writer->metadata, "metadata");
    writer->n_metadata = options->n_metadata;
    for (size_t i = 0; i < options->n_metadata * 2; i++)
        if (!(writer->metadata[i] = shf_strdup(options->metadata[i]))) return shf_fail_memory(err, 1, "metadata");
    return SHEAF_OK;
}

static sheaf_status open_files(shf_parquet_writer *writer, const char *path, sheaf_error *err)
{
    shf_buf name = {0};
    sheaf_status status = shf_buf_printf(&name, err, "%s.sheaf-tmp", path);
    if (status == SHEAF_OK) status = shf_buf_append(&name, "", 1, err);
    writer->temporary = (char *)name.data;
    SHF_TRY(status);
    writer->path = shf_strdup(path);
    if (!writer->path) return shf_fail_memory(err, strlen(path), "a path");
    SHF_TRY(shf_file_open(&writer->io, writer->temporary, SHF_OPEN_TRUNCATE, err));
    writer->created = true;
    return shf_parquet_put(writer, "PAR1", 4, err);
}

static sheaf_status create(shf_parquet_writer *writer, const char *path, const shf_pq_field *fields, size_t n_fields,
                           const shf_parquet_write_options *options, sheaf_error *err)
{
    writer->options = *options;
    if (writer->options.rows_per_group == 0) writer->options.rows_per_group = 1u << 20;
    const shf_codec *codec = shf_parquet_codec((int32_t)options->codec);
    if (!codec || !shf_codec_supported(codec))
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the compression %s is not supported%s",
                        shf_pq_compression_name((int32_t)options->codec), codec ? " by this build" : "");
    SHF_TRY(copy_schema(writer, fields, n_fields, err));
    SHF_TRY(copy_metadata(writer, options, err));
    writer->n_slots = options->pool ? shf_pool_threads(options->pool) + 2 : 1;
    writer->slots = shf_calloc(writer->n_slots, sizeof *writer->slots);
    if (!writer->slots) return shf_fail_memory(err, writer->n_slots * sizeof *writer->slots, "a Parquet writer");
    return open_files(writer, path, err);
}

sheaf_status shf_parquet_writer_create(const char *path, const shf_pq_field *fields, size_t n_fields,
                                       const shf_parquet_write_options *options, shf_parquet_writer **out, sheaf_error *err)
{
    static const shf_parquet_write_options defaults = SHF_PARQUET_WRITE_OPTIONS;
    *out = NULL;
    shf_parquet_writer *writer = shf_calloc(1, sizeof *writer);
    if (!writer) return shf_fail_memory(err, sizeof *writer, "a Parquet writer");
    writer->io = (shf_file)SHF_FILE_CLOSED;
    pthread_mutex_init(&writer->mutex, NULL);
    pthread_cond_init(&writer->finished, NULL);
    sheaf_status status = create(writer, path, fields, n_fields, options ? options : &defaults, err);
    if (status == SHEAF_OK) *out = writer;
    else shf_parquet_writer_free(writer);
    return status;
}

/* ---- groups ---- */
static sheaf_status fail_state(const shf_parquet_writer *writer, const char *why, sheaf_error *err)
{
    return shf_fail_at(err, SHEAF_ERR_STATE, writer->path, NULL, -1, -1, "%s: %s", writer->path, why);
}

sheaf_status shf_parquet_writer_begin_group(shf_parquet_writer *writer, uint64_t n_rows, sheaf_error *err)
{
    if (writer->failed) return fail_state(writer, "an earlier write failed", err);
    if (writer->in_group) return fail_state(writer, "the row group before is not ended", err);
    if (n_rows > INT64_MAX / 64) return shf_fail(err, SHEAF_ERR_RANGE, "a row group of %llu rows", (unsigned long long)n_rows);
    shf_pq_written_group group = {.n_rows = n_rows, .offset = writer->pending_at + writer->pending.size};
    SHF_TRY(shf_buf_append(&writer->groups, &group, sizeof group, err));
    writer->in_group = true;
    writer->group_rows = n_rows;
    writer->next_column = 0;
    return SHEAF_OK;
}

static sheaf_status check_values(const shf_parquet_writer *writer, const shf_parquet_values *values, sheaf_error *err)
{
    if (writer->failed) return fail_state(writer, "an earlier write failed", err);
    if (!writer->in_group || writer->next_column == writer->n_fields) return fail_state(writer, "no row group awaits a column", err);
    const shf_pq_field *field = &writer->fields[writer->next_column];
    bool bytes = field->type == SHF_PQ_BYTE_ARRAY;
    if ((bytes && !values->offsets) || (!bytes && writer->group_rows && !values->values) || (values->valid && !field->optional))
        return shf_fail_at(err, SHEAF_ERR_ARGUMENT, writer->path, field->name, -1, -1,
                           "column \"%s\": its values, offsets or validity do not fit its type", field->name);
    return SHEAF_OK;
}

static sheaf_status hand_over(shf_parquet_writer *writer, const shf_parquet_values *values, bool copy, sheaf_error *err)
{
    SHF_TRY(check_values(writer, values, err));
    sheaf_status status = shf_parquet_submit(writer, values, copy, err);
    if (status != SHEAF_OK) writer->failed = true;
    return status;
}

sheaf_status shf_parquet_writer_column(shf_parquet_writer *writer, const shf_parquet_values *values, sheaf_error *err)
{
    return hand_over(writer, values, true, err);
}

sheaf_status shf_parquet_writer_end_group(shf_parquet_writer *writer, sheaf_error *err)
{
    if (writer->failed) return fail_state(writer, "an earlier write failed", err);
    if (!writer->in_group || writer->next_column < writer->n_fields) return fail_state(writer, "the row group lacks columns", err);
    sheaf_status status = shf_parquet_drain(writer, err);
    writer->in_group = false;
    if (status == SHEAF_OK && writer->group_rows == 0) { /* a group of nothing is left out */
        writer->groups.size -= sizeof(shf_pq_written_group);
        writer->chunks.size -= writer->n_fields * sizeof(shf_pq_written_chunk);
    }
    if (status != SHEAF_OK) writer->failed = true;
    return status;
}

sheaf_status shf_parquet_writer_group(shf_parquet_writer *writer, uint64_t n_rows, const shf_parquet_values *columns, sheaf_error *err)
{
    SHF_TRY(shf_parquet_writer_begin_group(writer, n_rows, err));
    for (size_t i = 0; i < writer->n_fields; i++) {
        sheaf_status status = hand_over(writer, &columns[i], false, err);
        if (status == SHEAF_OK) continue;
        shf_parquet_abandon(writer); /* the caller's memory must not be read any more */
        writer->failed = true;
        return status;
    }
    sheaf_status status = shf_parquet_writer_end_group(writer, err);
    if (status != SHEAF_OK) shf_parquet_abandon(writer);
    return status;
}

/* ---- close ---- */
/* Behind the data: column indexes, offset indexes, footer. */
static void place_indexes(shf_parquet_writer *writer)
{
    uint64_t column_at = writer->pending_at + writer->pending.size, offset_at = column_at + writer->column_indexes.size;
    shf_pq_written_chunk *chunks = (shf_pq_written_chunk *)(void *)writer->chunks.data;
    for (size_t i = 0; i < writer->chunks.size / sizeof *chunks; i++) {
        shf_pq_chunk *meta = &chunks[i].meta;
        meta->column_index_offset = (int64_t)column_at;
        meta->offset_index_offset = (int64_t)offset_at;
        column_at += (uint64_t)meta->column_index_length;
        offset_at += (uint64_t)meta->offset_index_length;
    }
}

static sheaf_status put_footer(shf_parquet_writer *writer, sheaf_error *err)
{
    place_indexes(writer);
    SHF_TRY(shf_parquet_put(writer, writer->column_indexes.data, writer->column_indexes.size, err));
    SHF_TRY(shf_parquet_put(writer, writer->offset_indexes.data, writer->offset_indexes.size, err));
    shf_buf footer = {0};
    shf_pq_footer_parts parts = {.fields = writer->fields,
                                 .n_fields = writer->n_fields,
                                 .groups = (const shf_pq_written_group *)(const void *)writer->groups.data,
                                 .n_groups = writer->groups.size / sizeof(shf_pq_written_group),
                                 .chunks = (const shf_pq_written_chunk *)(const void *)writer->chunks.data,
                                 .metadata = (const char *const *)writer->metadata,
                                 .n_metadata = writer->n_metadata,
                                 .created_by = "sheaf " SHEAF_VERSION_TEXT};
    sheaf_status status = shf_pq_write_footer(&footer, &parts, err);
    if (status == SHEAF_OK && footer.size > INT32_MAX)
        status = shf_fail(err, SHEAF_ERR_RANGE, "a footer of %zu bytes is too large", footer.size);
    uint8_t trailer[8] = {0, 0, 0, 0, 'P', 'A', 'R', '1'};
    shf_set_u32(trailer, (uint32_t)footer.size);
    if (status == SHEAF_OK) status = shf_parquet_put(writer, footer.data, footer.size, err);
    if (status == SHEAF_OK) status = shf_parquet_put(writer, trailer, sizeof trailer, err);
    shf_buf_free(&footer);
    return status;
}

static sheaf_status sync_folder(const char *path, sheaf_error *err)
{
    char *folder = shf_path_parent(path);
    if (!folder) return shf_fail_memory(err, strlen(path), "a path");
    sheaf_status status = shf_path_sync_folder(folder, err);
    shf_free(folder);
    return status;
}

static sheaf_status finish(shf_parquet_writer *writer, sheaf_error *err)
{
    if (writer->failed) return fail_state(writer, "an earlier write failed", err);
    if (writer->in_group) return fail_state(writer, "the row group is not ended", err);
    SHF_TRY(shf_parquet_append_rest(writer, err));
    SHF_TRY(put_footer(writer, err));
    SHF_TRY(shf_parquet_flush(writer, err));
    if (writer->options.sync) SHF_TRY(shf_file_sync(&writer->io, err));
    SHF_TRY(shf_file_close(&writer->io, err));
    SHF_TRY(shf_path_rename(writer->temporary, writer->path, err));
    return writer->options.sync ? sync_folder(writer->path, err) : SHEAF_OK;
}

sheaf_status shf_parquet_writer_close(shf_parquet_writer **writer, sheaf_error *err)
{
    if (!*writer) return SHEAF_OK;
    sheaf_status status = finish(*writer, err);
    if (status == SHEAF_OK) { /* in its place: nothing to remove */
        shf_free((*writer)->temporary);
        (*writer)->temporary = NULL;
    }
    shf_parquet_writer_free(*writer);
    *writer = NULL;
    return status;
}

static void free_slots(shf_parquet_writer *writer)
{
    for (size_t i = 0; writer->slots && i < writer->n_slots; i++) {
        shf_parquet_slot *slot = &writer->slots[i];
        shf_buf_free(&slot->values_copy);
        shf_buf_free(&slot->offsets_copy);
        shf_buf_free(&slot->valid_copy);
        shf_parquet_encoder_free(&slot->encoder);
        shf_parquet_encoded_free(&slot->encoded);
    }
    shf_free(writer->slots);
}

void shf_parquet_writer_free(shf_parquet_writer *writer)
{
    if (!writer) return;
    shf_parquet_abandon(writer);
    (void)shf_file_close(&writer->io, NULL);
    if (writer->temporary && writer->created) (void)shf_path_unlink(writer->temporary, NULL);
    free_slots(writer);
    shf_parquet_gathered_free(writer);
    for (size_t i = 0; i < writer->n_fields; i++) shf_free((char *)(uintptr_t)writer->fields[i].name);
    for (size_t i = 0; writer->metadata && i < writer->n_metadata * 2; i++) shf_free(writer->metadata[i]);
    shf_buf *all[] = {&writer->pending, &writer->column_indexes, &writer->offset_indexes, &writer->chunks, &writer->groups};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) shf_buf_free(all[i]);
    shf_free(writer->fields);
    shf_free(writer->metadata);
    shf_free(writer->path);
    shf_free(writer->temporary);
    pthread_mutex_destroy(&writer->mutex);
    pthread_cond_destroy(&writer->finished);
    shf_free(writer);
}
