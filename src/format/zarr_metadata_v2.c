// SPDX-License-Identifier: Apache-2.0
/* .zarray and .zattrs of version 2 (Zarr storage specification version 2). */
#include <string.h>

#include "format/zarr_parse.h"

/* NumPy's type string: "<f8", ">i4", "|b1". */
static sheaf_status parse_dtype(const char *text, shf_zarr_array *out, sheaf_error *err)
{
    char little[8] = "";
    if (text && strlen(text) == 3) {
        bool single = text[2] == '1';
        little[0] = single ? '|' : '<';
        memcpy(little + 1, text + 1, 3);
        out->chain.big_endian = !single && text[0] == '>';
        if (strchr("<>|", text[0])) out->dtype = sheaf_dtype_parse(little);
    }
    if (out->dtype == SHEAF_DTYPE_NONE)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "data type \"%.40s\" is not supported", text ? text : "(structured)");
    return SHEAF_OK;
}

static sheaf_status parse_order_and_keys(const json_t *zarray, shf_zarr_array *out, sheaf_error *err)
{
    const char *order = shf_zarr_text(zarray, "order");
    if (!order || (strcmp(order, "C") != 0 && strcmp(order, "F") != 0)) return shf_fail(err, SHEAF_ERR_INPUT, "order is neither C nor F");
    out->chain.transposed = order[0] == 'F' && out->ndim > 1;
    for (int i = 0; i < out->ndim; i++) out->chain.order[i] = (uint8_t)(out->ndim - 1 - i);
    const char *separator = shf_zarr_text(zarray, "dimension_separator");
    if (!separator) separator = ".";
    if (strcmp(separator, "/") != 0 && strcmp(separator, ".") != 0)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "dimension_separator \"%.20s\" is not supported", separator);
    out->v2_keys = true;
    out->separator = separator[0];
    return SHEAF_OK;
}

static sheaf_status parse_codecs(const json_t *zarray, shf_zarr_array *out, sheaf_error *err)
{
    const json_t *filters = json_object_get(zarray, "filters");
    const json_t *first = json_array_get(filters, 0);
    const char *name = shf_zarr_text(first, "id");
    if (first) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "filter \"%.40s\" is not supported", name ? name : "(not named)");
    const json_t *compressor = json_object_get(zarray, "compressor");
    if (!compressor || json_is_null(compressor)) return SHEAF_OK;
    name = shf_zarr_text(compressor, "id");
    if (!name) return shf_fail(err, SHEAF_ERR_INPUT, "compressor has no id");
    if (!strcmp(name, "crc32c")) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "compressor \"crc32c\" is not supported");
    return shf_zarr_add_step(&out->chain, name, json_object_get(compressor, strcmp(name, "blosc") != 0 ? "level" : "clevel"), err);
}

/* xarray names the dimensions of version 2 in the attribute _ARRAY_DIMENSIONS. */
static sheaf_status take_attributes(const json_t *zattrs, shf_zarr_array *out, sheaf_error *err)
{
    out->attributes = json_is_object(zattrs) ? json_deep_copy(zattrs) : json_object();
    if (!out->attributes) return shf_fail_memory(err, 0, "attributes");
    shf_zarr_take_dimensions(json_object_get(out->attributes, "_ARRAY_DIMENSIONS"), out);
    if (json_object_get(out->attributes, "_ARRAY_DIMENSIONS")) (void)json_object_del(out->attributes, "_ARRAY_DIMENSIONS");
    return SHEAF_OK;
}

sheaf_status shf_zarr_parse_array_v2(const json_t *zarray, const json_t *zattrs, shf_zarr_array *out, sheaf_error *err)
{
    memset(out, 0, sizeof *out);
    if (json_integer_value(json_object_get(zarray, "zarr_format")) != 2)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "zarr_format is not 2");
    out->zarr_format = 2;
    SHF_TRY(parse_dtype(shf_zarr_text(zarray, "dtype"), out, err));
    SHF_TRY(shf_zarr_parse_lengths(json_object_get(zarray, "shape"), "shape", 0, out->shape, &out->ndim, err));
    int n;
    SHF_TRY(shf_zarr_parse_lengths(json_object_get(zarray, "chunks"), "chunks", 1, out->shard, &n, err));
    if (n != out->ndim) return shf_fail(err, SHEAF_ERR_INPUT, "chunks has %d dimensions, shape %d", n, out->ndim);
    memcpy(out->chunk, out->shard, sizeof out->chunk);
    SHF_TRY(parse_order_and_keys(zarray, out, err));
    SHF_TRY(parse_codecs(zarray, out, err));
    SHF_TRY(shf_zarr_parse_fill(json_object_get(zarray, "fill_value"), out->dtype, out->fill, err));
    return take_attributes(zattrs, out, err);
}
