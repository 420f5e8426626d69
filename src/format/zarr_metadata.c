// SPDX-License-Identifier: Apache-2.0
/* zarr.json of version 3. */
#include "format/zarr_metadata.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/checked.h"
#include "base/dtype.h"
#include "format/zarr_parse.h"

/* A named configuration is {"name": …, "configuration": {…}} or just the name (core specification, "Metadata"). */
static const char *extension_name(const json_t *value, const json_t **configuration)
{
    *configuration = json_object_get(value, "configuration");
    return json_is_string(value) ? json_string_value(value) : shf_zarr_text(value, "name");
}

static sheaf_status unsupported(const char *what, const char *name, sheaf_error *err)
{
    return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "%s \"%.40s\" is not supported", what, name ? name : "(not named)");
}

/* order: a permutation, "C" or "F" (transpose codec). Several in a row are one. */
static sheaf_status add_transpose(const json_t *order, int ndim, shf_zarr_chain *chain, sheaf_error *err)
{
    uint8_t next[SHEAF_MAX_NDIM];
    unsigned seen = 0;
    const char *word = json_string_value(order);
    for (int i = 0; i < ndim; i++) {
        const json_t *item = json_array_get(order, (size_t)i);
        json_int_t axis = word && !strcmp(word, "C")   ? i
                          : word && !strcmp(word, "F") ? ndim - 1 - i
                          : json_is_integer(item)      ? json_integer_value(item)
                                                       : -1;
        if (axis < 0 || axis >= ndim || (seen >> axis & 1))
            return shf_fail(err, SHEAF_ERR_INPUT, "transpose: order is no permutation of %d axes", ndim);
        seen |= 1u << axis;
        next[i] = chain->transposed ? chain->order[axis] : (uint8_t)axis;
    }
    if (!word && json_array_size(order) != (size_t)ndim)
        return shf_fail(err, SHEAF_ERR_INPUT, "transpose: order is no permutation of %d axes", ndim);
    memcpy(chain->order, next, sizeof chain->order[0] * (size_t)ndim);
    chain->transposed = true;
    return SHEAF_OK;
}

static sheaf_status take_bytes(const json_t *configuration, sheaf_dtype dtype, shf_zarr_chain *chain, sheaf_error *err)
{
    const char *endian = shf_zarr_text(configuration, "endian");
    if (!endian && sheaf_dtype_size(dtype) > 1)
        return shf_fail(err, SHEAF_ERR_INPUT, "codec bytes: no endian for %s", sheaf_dtype_name(dtype));
    if (endian && strcmp(endian, "little") != 0 && strcmp(endian, "big") != 0)
        return shf_fail(err, SHEAF_ERR_INPUT, "codec bytes: endian \"%.20s\" is neither little nor big", endian);
    chain->big_endian = endian && !strcmp(endian, "big") && sheaf_dtype_size(dtype) > 1;
    return SHEAF_OK;
}

/* transpose …, bytes, then what works on bytes. */
static sheaf_status parse_chain(const json_t *codecs, const shf_zarr_array *array, shf_zarr_chain *chain, sheaf_error *err)
{
    bool bytes = false;
    memset(chain, 0, sizeof *chain);
    if (!json_is_array(codecs)) return shf_fail(err, SHEAF_ERR_INPUT, "codecs is not a list");
    for (size_t i = 0; i < json_array_size(codecs); i++) {
        const json_t *configuration;
        const char *name = extension_name(json_array_get(codecs, i), &configuration);
        if (!name) return shf_fail(err, SHEAF_ERR_INPUT, "codec %zu has no name", i);
        if (bytes) {
            const json_t *level = json_object_get(configuration, strcmp(name, "blosc") != 0 ? "level" : "clevel");
            SHF_TRY(shf_zarr_add_step(chain, name, level, err));
        } else if (!strcmp(name, "bytes")) {
            bytes = true;
            SHF_TRY(take_bytes(configuration, array->dtype, chain, err));
        } else if (!strcmp(name, "transpose")) {
            SHF_TRY(add_transpose(json_object_get(configuration, "order"), array->ndim, chain, err));
        } else {
            return unsupported("codec", name, err);
        }
    }
    if (!bytes) return shf_fail(err, SHEAF_ERR_INPUT, "codecs: the codec bytes is missing");
    return SHEAF_OK;
}

/* index_codecs: bytes (little), then crc32c or nothing. */
static sheaf_status parse_index_codecs(const json_t *codecs, shf_zarr_array *out, sheaf_error *err)
{
    shf_zarr_array index = {.dtype = SHEAF_U64};
    shf_zarr_chain chain;
    SHF_TRY(parse_chain(codecs, &index, &chain, err));
    if (chain.big_endian || chain.transposed || chain.n_steps > 1 || (chain.n_steps == 1 && chain.steps[0] != SHF_ZARR_CRC32C))
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED,
                        "sharding_indexed: index codecs other than bytes (little) and crc32c are not supported");
    out->index_checked = chain.n_steps == 1;
    return SHEAF_OK;
}

static sheaf_status parse_sharding(const json_t *configuration, shf_zarr_array *out, sheaf_error *err)
{
    int n;
    SHF_TRY(shf_zarr_parse_lengths(json_object_get(configuration, "chunk_shape"), "sharding_indexed: chunk_shape", 1, out->chunk, &n, err));
    if (n != out->ndim) return shf_fail(err, SHEAF_ERR_INPUT, "sharding_indexed: chunk_shape has %d dimensions, expected %d", n, out->ndim);
    for (int i = 0; i < n; i++) {
        if (out->shard[i] % out->chunk[i])
            return shf_fail(err, SHEAF_ERR_INPUT, "sharding_indexed: shard length %llu is no multiple of chunk length %llu",
                            (unsigned long long)out->shard[i], (unsigned long long)out->chunk[i]);
    }
    const char *location = shf_zarr_text(configuration, "index_location");
    if (location && strcmp(location, "start") != 0 && strcmp(location, "end") != 0)
        return shf_fail(err, SHEAF_ERR_INPUT, "sharding_indexed: index_location \"%.20s\" is neither start nor end", location);
    out->sharded = true;
    out->index_at_end = !location || !strcmp(location, "end");
    SHF_TRY(parse_index_codecs(json_object_get(configuration, "index_codecs"), out, err));
    return parse_chain(json_object_get(configuration, "codecs"), out, &out->chain, err);
}

static sheaf_status parse_codecs(const json_t *codecs, shf_zarr_array *out, sheaf_error *err)
{
    const json_t *configuration;
    const char *first = extension_name(json_array_get(codecs, 0), &configuration);
    memcpy(out->chunk, out->shard, sizeof out->chunk);
    if (!first || strcmp(first, "sharding_indexed") != 0) return parse_chain(codecs, out, &out->chain, err);
    if (json_array_size(codecs) != 1) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "codecs beside sharding_indexed are not supported");
    return parse_sharding(configuration, out, err);
}

static sheaf_status parse_grid_and_keys(const json_t *node, shf_zarr_array *out, sheaf_error *err)
{
    const json_t *configuration;
    const char *name = extension_name(json_object_get(node, "chunk_grid"), &configuration);
    if (!name || strcmp(name, "regular") != 0) return unsupported("chunk grid", name, err);
    int n;
    SHF_TRY(shf_zarr_parse_lengths(json_object_get(configuration, "chunk_shape"), "chunk_grid: chunk_shape", 1, out->shard, &n, err));
    if (n != out->ndim) return shf_fail(err, SHEAF_ERR_INPUT, "chunk_shape has %d dimensions, shape %d", n, out->ndim);
    name = extension_name(json_object_get(node, "chunk_key_encoding"), &configuration);
    if (!name || (strcmp(name, "default") != 0 && strcmp(name, "v2") != 0)) return unsupported("chunk key encoding", name, err);
    out->v2_keys = !strcmp(name, "v2");
    const char *separator = shf_zarr_text(configuration, "separator");
    if (!separator) separator = out->v2_keys ? "." : "/";
    if (strcmp(separator, "/") != 0 && strcmp(separator, ".") != 0) return unsupported("chunk key separator", separator, err);
    out->separator = separator[0];
    return SHEAF_OK;
}

/* A member that is not known has to be understood, unless it says otherwise (core specification, "Array metadata"). */
static sheaf_status check_members(const json_t *node, sheaf_error *err)
{
    static const char *const known[] = {"zarr_format",         "node_type",  "shape",  "data_type",  "chunk_grid",
                                        "chunk_key_encoding",  "fill_value", "codecs", "attributes", "dimension_names",
                                        "storage_transformers"};
    const char *name;
    json_t *value;
    json_object_foreach((json_t *)(uintptr_t)node, name, value)
    {
        bool fine = json_is_false(json_object_get(value, "must_understand"));
        for (size_t i = 0; !fine && i < sizeof known / sizeof known[0]; i++) fine = !strcmp(name, known[i]);
        if (!fine) return unsupported("array metadata", name, err);
    }
    if (json_array_size(json_object_get(node, "storage_transformers"))) return unsupported("array metadata", "storage_transformers", err);
    return SHEAF_OK;
}

sheaf_status shf_zarr_parse_array(const json_t *node, shf_zarr_array *out, sheaf_error *err)
{
    memset(out, 0, sizeof *out);
    const char *type = shf_zarr_text(node, "node_type");
    if (!type || strcmp(type, "array") != 0) return shf_fail(err, SHEAF_ERR_INPUT, "node_type is not \"array\"");
    if (json_integer_value(json_object_get(node, "zarr_format")) != 3) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "zarr_format is not 3");
    out->zarr_format = 3;
    SHF_TRY(check_members(node, err));
    const json_t *configuration;
    const char *name = extension_name(json_object_get(node, "data_type"), &configuration);
    for (int i = SHEAF_BOOL; name && i <= SHEAF_F64; i++) {
        if (!strcmp(name, sheaf_dtype_name((sheaf_dtype)i))) out->dtype = (sheaf_dtype)i;
    }
    if (out->dtype == SHEAF_DTYPE_NONE) return unsupported("data type", name, err);
    SHF_TRY(shf_zarr_parse_lengths(json_object_get(node, "shape"), "shape", 0, out->shape, &out->ndim, err));
    SHF_TRY(parse_grid_and_keys(node, out, err));
    SHF_TRY(parse_codecs(json_object_get(node, "codecs"), out, err));
    SHF_TRY(shf_zarr_parse_fill(json_object_get(node, "fill_value"), out->dtype, out->fill, err));
    shf_zarr_take_dimensions(json_object_get(node, "dimension_names"), out);
    const json_t *attributes = json_object_get(node, "attributes");
    out->attributes = json_is_object(attributes) ? json_deep_copy(attributes) : json_object();
    if (!out->attributes) return shf_fail_memory(err, 0, "attributes");
    return SHEAF_OK;
}

sheaf_status shf_zarr_key(const shf_zarr_array *array, const uint64_t *at, char *out, size_t capacity, sheaf_error *err)
{
    size_t used = 0;
    bool fits = capacity > 2;
    if (fits) used = (size_t)snprintf(out, capacity, "%s", array->v2_keys ? (array->ndim ? "" : "0") : "c");
    for (int i = 0; fits && i < array->ndim; i++) {
        char separator[2] = {array->separator, '\0'};
        int n = snprintf(out + used, capacity - used, "%s%" PRIu64, array->v2_keys && i == 0 ? "" : separator, at[i]);
        fits = n > 0 && (size_t)n < capacity - used;
        used += fits ? (size_t)n : 0;
    }
    if (!fits) return shf_fail(err, SHEAF_ERR_RANGE, "a chunk key is longer than %zu bytes", capacity);
    return SHEAF_OK;
}
