// SPDX-License-Identifier: Apache-2.0
#include "backend/hdf5/chunks.h"

#include <string.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/crc32c.h"

static sheaf_status reserve(shf_h5_chunks *chunks, uint64_t n, sheaf_error *err)
{
    if (n <= chunks->capacity) return SHEAF_OK;
    uint64_t capacity = shf_max_u64(n, chunks->capacity + chunks->capacity / 2 + 16);
    size_t bytes;
    if (n > SIZE_MAX / 4 || !shf_mul_size((size_t)capacity, sizeof *chunks->items, &bytes))
        return shf_fail_memory(err, SIZE_MAX, "the chunk table");
    shf_h5_chunk *items = shf_realloc(chunks->items, bytes);
    if (!items) return shf_fail_memory(err, bytes, "the chunk table");
    chunks->items = items;
    chunks->capacity = capacity;
    return SHEAF_OK;
}

sheaf_status shf_h5_chunks_set(shf_h5_chunks *chunks, uint64_t index, shf_h5_chunk chunk, sheaf_error *err)
{
    if (chunks->n == 0 && !chunks->from_zero) chunks->first = index;
    if (index < chunks->first)
        return shf_fail(err, SHEAF_ERR_STATE, "chunk %llu comes before chunk %llu", (unsigned long long)index,
                        (unsigned long long)chunks->first);
    uint64_t at = index - chunks->first;
    if (at >= chunks->n) {
        SHF_TRY(reserve(chunks, at + 1, err));
        memset(chunks->items + chunks->n, 0, (size_t)(at + 1 - chunks->n) * sizeof *chunks->items);
        chunks->n = at + 1;
    }
    chunks->bytes += chunk.size;
    chunks->bytes -= chunks->items[at].size;
    chunks->items[at] = chunk;
    return SHEAF_OK;
}

shf_h5_chunk shf_h5_chunks_get(const shf_h5_chunks *chunks, uint64_t index)
{
    if (index < chunks->first || index - chunks->first >= chunks->n) return (shf_h5_chunk){0};
    return chunks->items[index - chunks->first];
}

void shf_h5_chunks_free(shf_h5_chunks *chunks)
{
    shf_free(chunks->items);
    memset(chunks, 0, sizeof *chunks);
}

uint64_t shf_h5_content_positions(const shf_array *array, const shf_h5_content *content)
{
    return content->n_full + (content->partial ? array->n_columns : 0);
}

shf_h5_chunk shf_h5_content_at(const shf_array *array, const shf_h5_content *content, uint64_t position, uint64_t *index)
{
    if (position < content->n_full) {
        *index = position;
        return content->full[position];
    }
    uint64_t column = position - content->n_full;
    *index = content->partial_block * array->n_columns + column;
    return content->partial[column];
}

uint64_t shf_h5_content_count(const shf_array *array, const shf_h5_content *content)
{
    uint64_t n = 0, index, positions = shf_h5_content_positions(array, content);
    for (uint64_t i = 0; i < positions; i++) n += shf_h5_content_at(array, content, i, &index).offset != 0;
    return n;
}

uint32_t shf_h5_index_crc(uint32_t crc, uint64_t index, shf_h5_chunk chunk)
{
    uint8_t bytes[24];
    if (!chunk.offset) return crc;
    shf_set_u64(bytes, index);
    shf_set_u64(bytes + 8, chunk.offset);
    shf_set_u32(bytes + 16, chunk.size);
    shf_set_u32(bytes + 20, chunk.mask);
    return shf_crc32c(crc, bytes, sizeof bytes);
}
