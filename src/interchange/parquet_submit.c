// SPDX-License-Identifier: Apache-2.0
/* Chunks are encoded by the pool and written in their order: the ring bounds how many are on their way. */
#include <string.h>

#include "interchange/parquet_writer_inside.h"

static void run(void *argument)
{
    shf_parquet_slot *slot = argument;
    shf_parquet_writer *writer = slot->writer;
    const shf_pq_field *field = &writer->fields[slot->column];
    shf_parquet_encode_options options = {writer->options.codec, writer->options.level, writer->options.rows_per_page};
    slot->status = shf_parquet_encode(field, &options, &slot->values, slot->n_rows, &slot->encoder, &slot->encoded, &slot->err);
    if (slot->status != SHEAF_OK) shf_error_locate(&slot->err, writer->path, field->name, -1, -1);
    pthread_mutex_lock(&writer->mutex);
    slot->done = true;
    pthread_cond_signal(&writer->finished);
    pthread_mutex_unlock(&writer->mutex);
}

static void wait_for(shf_parquet_writer *writer, shf_parquet_slot *slot)
{
    pthread_mutex_lock(&writer->mutex);
    while (!slot->done) {
        pthread_mutex_unlock(&writer->mutex);
        bool helped = writer->options.pool && shf_pool_help(writer->options.pool);
        pthread_mutex_lock(&writer->mutex);
        if (!helped && !slot->done) pthread_cond_wait(&writer->finished, &writer->mutex);
    }
    pthread_mutex_unlock(&writer->mutex);
}

static sheaf_status put_indexes(shf_parquet_writer *writer, const shf_parquet_slot *slot, shf_pq_chunk *meta, uint64_t at, sheaf_error *err)
{
    const shf_parquet_encoded *encoded = &slot->encoded;
    size_t before = writer->offset_indexes.size;
    if (encoded->n_pages == 0) return SHEAF_OK;
    SHF_TRY(shf_pq_write_offset_index(&writer->offset_indexes, encoded->pages, encoded->n_pages, at, err));
    meta->offset_index_length = (int32_t)(writer->offset_indexes.size - before);
    before = writer->column_indexes.size;
    SHF_TRY(shf_pq_write_column_index(&writer->column_indexes, encoded->pages, encoded->n_pages,
                                      shf_parquet_order(&writer->fields[slot->column]), err));
    meta->column_index_length = (int32_t)(writer->column_indexes.size - before);
    return SHEAF_OK;
}

static sheaf_status write_chunk(shf_parquet_writer *writer, shf_parquet_slot *slot, sheaf_error *err)
{
    if (slot->status != SHEAF_OK) {
        if (err) *err = slot->err;
        return slot->status;
    }
    shf_pq_written_chunk chunk = slot->encoded.chunk;
    uint64_t at = writer->pending_at + writer->pending.size;
    chunk.meta.data_page_offset = (int64_t)(at + slot->encoded.dictionary_size);
    chunk.meta.dictionary_page_offset = slot->encoded.dictionary_size ? (int64_t)at : 0;
    SHF_TRY(put_indexes(writer, slot, &chunk.meta, at, err));
    SHF_TRY(shf_parquet_put(writer, slot->encoded.bytes.data, slot->encoded.bytes.size, err));
    shf_pq_written_group *group = (shf_pq_written_group *)(void *)(writer->groups.data + writer->groups.size) - 1;
    group->compressed_size += (uint64_t)chunk.meta.compressed_size;
    group->uncompressed_size += (uint64_t)chunk.meta.uncompressed_size;
    return shf_buf_append(&writer->chunks, &chunk, sizeof chunk, err);
}

static sheaf_status finish_oldest(shf_parquet_writer *writer, sheaf_error *err)
{
    shf_parquet_slot *slot = &writer->slots[writer->first_slot];
    wait_for(writer, slot);
    writer->first_slot = (writer->first_slot + 1) % writer->n_slots;
    writer->n_busy--;
    return write_chunk(writer, slot, err);
}

static sheaf_status copy_to(shf_buf *to, const void *bytes, size_t n, sheaf_error *err)
{
    to->size = 0;
    return shf_buf_append(to, bytes, n, err);
}

/* Offsets stay as they are: the bytes before the first are left out of the copy by moving its start. */
static sheaf_status copy_values(shf_parquet_slot *slot, const shf_pq_field *field, const shf_parquet_values *values, sheaf_error *err)
{
    size_t n = (size_t)slot->n_rows;
    if (values->offsets) {
        uint64_t first = values->offsets[0];
        SHF_TRY(copy_to(&slot->offsets_copy, values->offsets, (n + 1) * sizeof(uint64_t), err));
        uint64_t *offsets = (uint64_t *)(void *)slot->offsets_copy.data;
        for (size_t i = 0; i <= n; i++) offsets[i] -= first;
        SHF_TRY(copy_to(&slot->values_copy, (const uint8_t *)values->values + first, (size_t)offsets[n], err));
        slot->values.offsets = offsets;
    } else {
        SHF_TRY(copy_to(&slot->values_copy, values->values, n * shf_pq_value_size(field->type, field->type_length), err));
    }
    slot->values.values = slot->values_copy.data;
    if (!values->valid) return SHEAF_OK;
    SHF_TRY(copy_to(&slot->valid_copy, values->valid, n, err));
    slot->values.valid = slot->valid_copy.data;
    return SHEAF_OK;
}

sheaf_status shf_parquet_submit(shf_parquet_writer *writer, const shf_parquet_values *values, bool copy, sheaf_error *err)
{
    if (writer->n_busy == writer->n_slots) SHF_TRY(finish_oldest(writer, err));
    shf_parquet_slot *slot = &writer->slots[(writer->first_slot + writer->n_busy) % writer->n_slots];
    slot->writer = writer;
    slot->column = writer->next_column;
    slot->n_rows = writer->group_rows;
    slot->values = *values;
    slot->done = false;
    if (copy && writer->options.pool) SHF_TRY(copy_values(slot, &writer->fields[slot->column], values, err));
    writer->n_busy++;
    writer->next_column++;
    if (writer->options.pool) {
        shf_pool_submit(writer->options.pool, run, slot);
        return SHEAF_OK;
    }
    run(slot);
    return finish_oldest(writer, err);
}

sheaf_status shf_parquet_drain(shf_parquet_writer *writer, sheaf_error *err)
{
    while (writer->n_busy > 0) SHF_TRY(finish_oldest(writer, err));
    return SHEAF_OK;
}

void shf_parquet_abandon(shf_parquet_writer *writer)
{
    for (; writer->n_busy > 0; writer->n_busy--) {
        wait_for(writer, &writer->slots[writer->first_slot]);
        writer->first_slot = (writer->first_slot + 1) % writer->n_slots;
    }
}
