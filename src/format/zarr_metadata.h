// SPDX-License-Identifier: Apache-2.0
/* Zarr metadata as text and as structs. Sources: Zarr core specification v3.0 (zarr-specs.readthedocs.io, sections "Array metadata",
 * "Chunk grids", "Chunk key encoding"), the codec specifications blosc, bytes, crc32c, gzip, sharding-indexed and transpose of the same site,
 * zstd of zarr-extensions, the storage specification v2, and for consolidated metadata zarr-python 3's inline form.
 * What a document says is checked before it is used; what is not known fails with SHEAF_ERR_UNSUPPORTED by name. */
#ifndef SHF_FORMAT_ZARR_METADATA_H
#define SHF_FORMAT_ZARR_METADATA_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "sheaf/types.h"

/* A codec that turns bytes into bytes. */
typedef enum shf_zarr_step { SHF_ZARR_CRC32C, SHF_ZARR_BLOSC, SHF_ZARR_ZSTD, SHF_ZARR_GZIP, SHF_ZARR_ZLIB } shf_zarr_step;
#define SHF_ZARR_MAX_STEPS 6

/* What one chunk went through: transposed, laid out as bytes, then the steps in order. */
typedef struct shf_zarr_chain {
    bool big_endian;
    bool transposed;
    uint8_t order[SHEAF_MAX_NDIM]; /* axis j of the stored chunk is axis order[j] of the array */
    int n_steps;
    shf_zarr_step steps[SHF_ZARR_MAX_STEPS]; /* at most one that compresses */
    int level;                               /* of the one that compresses; 0 when not said */
} shf_zarr_chain;

typedef struct shf_zarr_array {
    int zarr_format; /* 2 or 3 */
    sheaf_dtype dtype;
    int ndim; /* 0 … SHEAF_MAX_NDIM */
    uint64_t shape[SHEAF_MAX_NDIM];
    uint64_t shard[SHEAF_MAX_NDIM]; /* shape of what one key holds */
    uint64_t chunk[SHEAF_MAX_NDIM]; /* inner chunk; the same as shard when not sharded */
    bool sharded;
    bool index_at_end;
    bool index_checked; /* the shard index ends with its CRC-32C */
    shf_zarr_chain chain;
    bool v2_keys;                                        /* keys "0/0" instead of "c/0/0" */
    char separator;                                      /* '/' or '.' */
    _Alignas(8) uint8_t fill[8];                         /* one element, little-endian */
    char dimensions[SHEAF_MAX_NDIM][SHEAF_MAX_NAME + 1]; /* "" when not named */
    json_t *attributes;                                  /* Owned; an object */
} shf_zarr_array;

void shf_zarr_array_free(shf_zarr_array *array);

/* *out: an owned document. Takes the bare NaN and Infinity and the integers above 2^63 that Python writes, as strings. */
sheaf_status shf_zarr_parse_json(const void *bytes, size_t n, json_t **out, sheaf_error *err);
/* zarr.json of an array, parsed. *out is to be freed also after an error. */
sheaf_status shf_zarr_parse_array(const json_t *node, shf_zarr_array *out, sheaf_error *err);
/* .zarray and .zattrs (NULL: none) of version 2. */
sheaf_status shf_zarr_parse_array_v2(const json_t *zarray, const json_t *zattrs, shf_zarr_array *out, sheaf_error *err);

/* The document of an array as Sheaf writes it: v3, sharded, index at the start, CRC-32C last. Owned; NULL when out of memory. */
json_t *shf_zarr_array_json(const shf_zarr_array *array);
/* A group's document around attributes and the arrays' documents by name (both Borrowed). Owned; NULL when out of memory. */
json_t *shf_zarr_group_json(json_t *attributes, json_t *arrays);
/* Appends the text of a document, as it lies on disk. */
sheaf_status shf_zarr_print_json(const json_t *node, shf_buf *out, sheaf_error *err);

/* Key of what lies at grid coordinates (ndim of them), relative to the array: "c/0/3". SHEAF_ERR_RANGE when it does not fit. */
sheaf_status shf_zarr_key(const shf_zarr_array *array, const uint64_t *at, char *out, size_t capacity, sheaf_error *err);

#endif
