// SPDX-License-Identifier: Apache-2.0
/* Inside the parsers of Zarr metadata: what versions 2 and 3 share. */
#ifndef SHF_FORMAT_ZARR_PARSE_H
#define SHF_FORMAT_ZARR_PARSE_H

#include "format/zarr_metadata.h"

/* An array of lengths, each min … INT64_MAX; *n of them, at most SHEAF_MAX_NDIM. */
sheaf_status shf_zarr_parse_lengths(const json_t *value, const char *what, uint64_t min, uint64_t *out, int *n, sheaf_error *err);
/* One element from a fill value in any of its forms; NULL and null: zero. */
sheaf_status shf_zarr_parse_fill(const json_t *value, sheaf_dtype dtype, uint8_t out[8], sheaf_error *err);
/* Adds a step by its codec's name ("numcodecs." before it is taken off). */
sheaf_status shf_zarr_add_step(shf_zarr_chain *chain, const char *name, const json_t *level, sheaf_error *err);
/* Dimension names; a value that is no list of that many names is left out. */
void shf_zarr_take_dimensions(const json_t *value, shf_zarr_array *out);
/* Value of a member when it is a string, else NULL. */
const char *shf_zarr_text(const json_t *object, const char *member);

#endif
