// SPDX-License-Identifier: Apache-2.0
/* URIs of series: "file://" and the absolute path, percent-encoded (RFC 3986), "?kind=" and the kind; or "constant:" and the number. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "series/series.h"
#include "series/sources.h"

#define FILE_SCHEME "file://"
#define CONSTANT_SCHEME "constant:"
#define KIND_QUERY "?kind="

static bool is_plain(unsigned char c)
{
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c && strchr("-._~/", c));
}

char *shf_uri_of_file(const char *path, sheaf_series_kind kind)
{
    static const char hex[] = "0123456789ABCDEF";
    const char *kind_name = sheaf_series_kind_name(kind);
    char *uri = shf_malloc(strlen(FILE_SCHEME) + 3 * strlen(path) + strlen(KIND_QUERY) + strlen(kind_name) + 1);
    if (!uri) return NULL;
    char *to = uri + sprintf(uri, "%s", FILE_SCHEME);
    for (const unsigned char *p = (const unsigned char *)path; *p; p++) {
        if (is_plain(*p)) {
            *to++ = (char)*p;
        } else {
            *to++ = '%';
            *to++ = hex[*p >> 4];
            *to++ = hex[*p & 15];
        }
    }
    sprintf(to, "%s%s", KIND_QUERY, kind_name);
    return uri;
}

char *shf_uri_of_constant(double value)
{
    char text[64];
    /* Hexadecimal, so that it reads back the same. */
    snprintf(text, sizeof text, CONSTANT_SCHEME "%a", value);
    return shf_strdup(text);
}

bool shf_uri_parse_constant(const char *uri, double *value)
{
    size_t n = strlen(CONSTANT_SCHEME);
    if (strncmp(uri, CONSTANT_SCHEME, n) != 0) return false;
    char *end;
    *value = strtod(uri + n, &end);
    return end > uri + n && *end == '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'A' && c <= 'F') return c - 'A' + 10;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool parse_kind(const char *text, sheaf_series_kind *kind)
{
    for (int k = SHEAF_SERIES_TIME; k <= SHEAF_SERIES_TIME_SCENARIO; k++) {
        if (strcmp(text, sheaf_series_kind_name((sheaf_series_kind)k)) != 0) continue;
        *kind = (sheaf_series_kind)k;
        return true;
    }
    return false;
}

static bool decode(const char *from, const char *end, char *to)
{
    for (; from < end; from++) {
        if (*from != '%') {
            *to++ = *from;
            continue;
        }
        int high = end - from > 2 ? hex_digit(from[1]) : -1, low = high >= 0 ? hex_digit(from[2]) : -1;
        if (high < 0 || low < 0 || (high == 0 && low == 0)) return false;
        *to++ = (char)(high * 16 + low);
        from += 2;
    }
    *to = '\0';
    return true;
}

sheaf_status shf_uri_parse_file(const char *uri, char **path, sheaf_series_kind *kind, sheaf_error *err)
{
    const char *query = strstr(uri, KIND_QUERY);
    size_t n = strlen(FILE_SCHEME);
    *path = NULL;
    if (strncmp(uri, FILE_SCHEME "/", n + 1) != 0 || !query || !parse_kind(query + strlen(KIND_QUERY), kind))
        return shf_fail(err, SHEAF_ERR_ARGUMENT, "'%.200s' is no URI of a series", uri);
    *path = shf_malloc((size_t)(query - uri) + 1);
    if (!*path) return shf_fail_memory(err, (size_t)(query - uri), "a path");
    if (decode(uri + n, query, *path)) return SHEAF_OK;
    shf_free(*path);
    *path = NULL;
    return shf_fail(err, SHEAF_ERR_ARGUMENT, "'%.200s': a %% without two hexadecimal digits", uri);
}
