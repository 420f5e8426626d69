// SPDX-License-Identifier: Apache-2.0
/** @file schema.h  What a store holds: named arrays over named dimensions, fixed before the first record.
 *
 * A **record dimension** grows; the arrays whose first dimension it is form its table, and one record is one row of each of them.
 * Every other dimension is fixed. A schema is used by one thread at a time; nothing in it refers to the caller's memory. */
#ifndef SHEAF_SCHEMA_H
#define SHEAF_SCHEMA_H

#include "types.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct sheaf_schema sheaf_schema;

/** Length that makes a dimension a record dimension. */
#define SHEAF_GROWS UINT64_MAX

/** How chunks are encoded: X(constant, value, name). `default`: Zarr blosc (zstd, shuffle by content), HDF5 shuffle + deflate, .npy none. */
#define SHEAF_CODEC_LIST(X)              \
    X(SHEAF_CODEC_DEFAULT, 0, "default") \
    X(SHEAF_CODEC_NONE, 1, "none")       \
    X(SHEAF_CODEC_BLOSC, 2, "blosc")     \
    X(SHEAF_CODEC_ZSTD, 3, "zstd")       \
    X(SHEAF_CODEC_GZIP, 4, "gzip")

typedef enum sheaf_codec {
#define SHEAF_CODEC_ENUM(constant, value, name) constant = (value),
    SHEAF_CODEC_LIST(SHEAF_CODEC_ENUM)
#undef SHEAF_CODEC_ENUM
} sheaf_codec;

/** Name of a codec ("blosc"); "unknown" for none of them. Any thread. */
SHEAF_API const char *sheaf_codec_name(sheaf_codec codec);
/** Codec by its name; SHEAF_ERR_NOT_FOUND lists the known names. Any thread. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_codec_parse(const char *name, sheaf_codec *codec, sheaf_error *err);

/** One array, to be added to a schema. Make it by sheaf_array_spec_init, then set what differs. */
typedef struct sheaf_array_spec {
    size_t size_bytes; /**< sizeof(sheaf_array_spec) */
    const char *name;  /**< Copied. 1…63 bytes of UTF-8, no '/', no control characters, not "." or "..", no leading '.' */
    sheaf_dtype dtype;
    int ndim;                               /**< 1…SHEAF_MAX_NDIM */
    const char *dimensions[SHEAF_MAX_NDIM]; /**< Copied. Names declared by sheaf_schema_add_dimension; the first may be a record dimension */
    uint64_t chunk[SHEAF_MAX_NDIM];         /**< 0: chosen (about 1 MiB; smaller where rows are wide, for reading in both directions) */
    sheaf_codec codec;
    int level;                   /**< codec level; 0: the codec's default (1) */
    const void *values;          /**< Copied. Whole content (row-major) of an array without record dimension; NULL otherwise */
    const char *attributes_json; /**< Copied. A JSON object, or NULL */
} sheaf_array_spec;

/** Defaults: codec default, chunk chosen. `ndim` dimension names follow in the array given. Any thread. */
SHEAF_API sheaf_array_spec sheaf_array_spec_init(const char *name, sheaf_dtype dtype, int ndim, const char *const *dimensions);

/** *out: Owned by the caller, sheaf_schema_free ends it. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_schema_create(sheaf_schema **out, sheaf_error *err);
/** length ≥ 1, or SHEAF_GROWS for a record dimension. The same name with the same length again is fine, with another SHEAF_ERR_MISMATCH. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_schema_add_dimension(sheaf_schema *schema, const char *name, uint64_t length,
                                                                   sheaf_error *err);
/** Errors: SHEAF_ERR_ARGUMENT (names, dtype, shape, chunk 0 …), SHEAF_ERR_EXISTS (name taken), SHEAF_ERR_NOT_FOUND (unknown dimension). */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_schema_add_array(sheaf_schema *schema, const sheaf_array_spec *spec, sheaf_error *err);
/** Attributes of the store itself: a JSON object, Copied; members replace earlier ones of the same name. */
SHEAF_API SHEAF_MUST_CHECK sheaf_status sheaf_schema_set_attributes(sheaf_schema *schema, const char *json, sheaf_error *err);
SHEAF_API void sheaf_schema_free(sheaf_schema **schema);

#ifdef __cplusplus
}
#endif
#endif
