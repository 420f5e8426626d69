// SPDX-License-Identifier: Apache-2.0
/* The sources that read files, one open function per format, and the URIs that name them. */
#ifndef SHF_SERIES_SOURCES_H
#define SHF_SERIES_SOURCES_H

#include "series/series.h"

/* Each opens without reading; path is Copied. *state is Owned by the caller, by (*ops)->free. */
sheaf_status shf_text_open_blank(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err);
sheaf_status shf_text_open_tab(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err);
sheaf_status shf_text_open_comma(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err);
sheaf_status shf_parquet_open_source(const char *path, const shf_source_ops **ops, void **state, sheaf_error *err);

/* URIs. Owned by the caller; NULL when out of memory. */
char *shf_uri_of_file(const char *path, sheaf_series_kind kind);
char *shf_uri_of_constant(double value);
/* false when it is no URI of a constant. */
bool shf_uri_parse_constant(const char *uri, double *value);
/* *path is Owned by the caller. SHEAF_ERR_ARGUMENT. */
sheaf_status shf_uri_parse_file(const char *uri, char **path, sheaf_series_kind *kind, sheaf_error *err);

#endif
