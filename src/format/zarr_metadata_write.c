// SPDX-License-Identifier: Apache-2.0
/* The documents that Sheaf writes: members in a fixed order, so that equal stores have equal bytes. */
#include <string.h>

#include "base/dtype.h"
#include "format/zarr_metadata.h"

/* "sO" of jansson takes over the reference to its value and fails on NULL, so that calls nest. */
static json_t *named(const char *name, json_t *configuration)
{
    return json_pack("{s:s, s:o}", "name", name, "configuration", configuration);
}

static json_t *lengths_json(const uint64_t *lengths, int n)
{
    json_t *list = json_array();
    for (int i = 0; list && i < n; i++) {
        if (json_array_append_new(list, json_integer((json_int_t)lengths[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *bytes_json(sheaf_dtype dtype)
{
    if (sheaf_dtype_size(dtype) == 1) return json_pack("{s:s}", "name", "bytes");
    return named("bytes", json_pack("{s:s}", "endian", "little"));
}

static json_t *blosc_json(const shf_zarr_array *array)
{
    json_int_t block = (json_int_t)sheaf_dtype_size(array->dtype);
    for (int i = 0; i < array->ndim; i++) block *= (json_int_t)array->chunk[i];
    bool shuffle = sheaf_dtype_size(array->dtype) > 1;
    return named("blosc", json_pack("{s:i, s:s, s:i, s:s, s:I}", "typesize", (int)sheaf_dtype_size(array->dtype), "cname", "zstd", "clevel",
                                    array->chain.level, "shuffle", shuffle ? "shuffle" : "noshuffle", "blocksize", block));
}

static json_t *step_json(const shf_zarr_array *array, shf_zarr_step step)
{
    switch (step) {
    case SHF_ZARR_BLOSC: return blosc_json(array);
    case SHF_ZARR_ZSTD: return named("zstd", json_pack("{s:i, s:b}", "level", array->chain.level, "checksum", 0));
    case SHF_ZARR_GZIP: return named("gzip", json_pack("{s:i}", "level", array->chain.level));
    case SHF_ZARR_CRC32C: return json_pack("{s:s}", "name", "crc32c");
    case SHF_ZARR_ZLIB: break;
    }
    return NULL;
}

static json_t *chain_json(const shf_zarr_array *array)
{
    json_t *list = json_array();
    int failed = !list || json_array_append_new(list, bytes_json(array->dtype));
    for (int i = 0; !failed && i < array->chain.n_steps; i++) failed = json_array_append_new(list, step_json(array, array->chain.steps[i]));
    if (!failed) return list;
    json_decref(list);
    return NULL;
}

static json_t *codecs_json(const shf_zarr_array *array)
{
    json_t *index = json_pack("[o, {s:s}]", bytes_json(SHEAF_U64), "name", "crc32c");
    json_t *sharding = json_pack("{s:o, s:o, s:o, s:s}", "chunk_shape", lengths_json(array->chunk, array->ndim), "codecs",
                                 chain_json(array), "index_codecs", index, "index_location", "start");
    return json_pack("[o]", named("sharding_indexed", sharding));
}

static json_t *dimensions_json(const shf_zarr_array *array)
{
    json_t *list = json_array();
    for (int i = 0; list && i < array->ndim; i++) {
        if (json_array_append_new(list, json_string(array->dimensions[i]))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

json_t *shf_zarr_array_json(const shf_zarr_array *array)
{
    const char *fill = shf_dtype_fill_json(array->dtype);
    json_t *grid = named("regular", json_pack("{s:o}", "chunk_shape", lengths_json(array->shard, array->ndim)));
    json_t *keys = named("default", json_pack("{s:s}", "separator", "/"));
    return json_pack("{s:i, s:s, s:o, s:s, s:o, s:o, s:o, s:o, s:o, s:O}", "zarr_format", 3, "node_type", "array", "shape",
                     lengths_json(array->shape, array->ndim), "data_type", sheaf_dtype_name(array->dtype), "chunk_grid", grid,
                     "chunk_key_encoding", keys, "fill_value", json_loads(fill, JSON_DECODE_ANY, NULL), "codecs", codecs_json(array),
                     "dimension_names", dimensions_json(array), "attributes", array->attributes);
}

json_t *shf_zarr_group_json(json_t *attributes, json_t *arrays)
{
    json_t *consolidated = json_pack("{s:s, s:b, s:O}", "kind", "inline", "must_understand", 0, "metadata", arrays);
    return json_pack("{s:i, s:s, s:O, s:o}", "zarr_format", 3, "node_type", "group", "attributes", attributes, "consolidated_metadata",
                     consolidated);
}
