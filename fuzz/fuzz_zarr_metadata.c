// SPDX-License-Identifier: Apache-2.0
/* Any bytes as zarr.json or .zarray: an error or an array within limits; what Sheaf could have written reads back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "format/zarr_metadata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const shf_zarr_array *array)
{
    char key[256];
    if (array->ndim < 0 || array->ndim > SHEAF_MAX_NDIM || !sheaf_dtype_size(array->dtype)) abort();
    if (array->chain.n_steps < 0 || array->chain.n_steps > SHF_ZARR_MAX_STEPS || !json_is_object(array->attributes)) abort();
    for (int i = 0; i < array->ndim; i++)
        if (!array->chunk[i] || array->shard[i] % array->chunk[i] || array->shape[i] > INT64_MAX) abort();
    if (shf_zarr_key(array, array->shape, key, sizeof key, NULL) != SHEAF_OK) abort();
}

/* Writing says nothing of transposition, byte order or foreign keys, so only what survives is compared. */
static void write_and_read(const shf_zarr_array *array)
{
    shf_buf text = {0};
    shf_zarr_array again = {0};
    json_t *node = NULL;
    json_t *written = shf_zarr_array_json(array);
    if (!written) return; /* zlib: never written */
    if (shf_zarr_print_json(written, &text, NULL) != SHEAF_OK || shf_zarr_parse_json(text.data, text.size, &node, NULL) != SHEAF_OK)
        abort();
    if (shf_zarr_parse_array(node, &again, NULL) != SHEAF_OK) abort();
    if (memcmp(again.shape, array->shape, sizeof again.shape) != 0 || memcmp(again.chunk, array->chunk, sizeof again.chunk) != 0 ||
        again.dtype != array->dtype || again.chain.n_steps != array->chain.n_steps || !json_equal(again.attributes, array->attributes))
        abort();
    shf_zarr_array_free(&again);
    json_decref(node);
    json_decref(written);
    shf_buf_free(&text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *node;
    shf_zarr_array array;
    if (shf_zarr_parse_json(data, size, &node, NULL) != SHEAF_OK) return 0;
    if (shf_zarr_parse_array(node, &array, NULL) == SHEAF_OK) {
        check(&array);
        write_and_read(&array);
    }
    shf_zarr_array_free(&array);
    if (shf_zarr_parse_array_v2(node, node, &array, NULL) == SHEAF_OK) check(&array);
    shf_zarr_array_free(&array);
    json_decref(node);
    return 0;
}
