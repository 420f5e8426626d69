// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

bool cli_parse_count(const char *text, uint64_t *out)
{
    if (!is_digit(text[0])) return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end) return false;
    *out = value;
    return true;
}

bool cli_parse_integer(const char *text, int64_t *out)
{
    if (!is_digit(text[0]) && !(text[0] == '-' && is_digit(text[1]))) return false;
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (errno || *end) return false;
    *out = value;
    return true;
}

bool cli_parse_real(const char *text, double *out)
{
    char *end;
    if (text[0] == '\0' || text[0] == ' ') return false;
    *out = strtod(text, &end);
    return *end == '\0' && isfinite(*out);
}

/* A number of at least 0 and the text after it. */
static bool number_with_unit(const char *text, double *value, const char **unit)
{
    if (!is_digit(text[0]) && text[0] != '.') return false;
    char *end;
    *value = strtod(text, &end);
    *unit = end;
    return end != text && isfinite(*value) && *value >= 0;
}

bool cli_parse_size(const char *text, uint64_t *out)
{
    double value;
    const char *unit;
    if (cli_parse_count(text, out)) return true;
    if (!number_with_unit(text, &value, &unit)) return false;
    static const char letters[] = "KMGT";
    const char *letter = *unit ? strchr(letters, *unit >= 'a' ? *unit - 'a' + 'A' : *unit) : NULL;
    if (!letter) return false;
    if (strcmp(unit + 1, "") != 0 && strcmp(unit + 1, "iB") != 0 && strcmp(unit + 1, "B") != 0) return false;
    value = ldexp(value, 10 * (int)(letter - letters + 1));
    if (value >= 0x1p63) return false;
    *out = (uint64_t)value;
    return true;
}

bool cli_parse_duration(const char *text, uint64_t *out_ms)
{
    double value;
    const char *unit;
    if (!number_with_unit(text, &value, &unit)) return false;
    double scale = strcmp(unit, "ms") == 0                              ? 1
                   : strcmp(unit, "s") == 0                             ? 1e3
                   : strcmp(unit, "m") == 0 || strcmp(unit, "min") == 0 ? 6e4
                   : strcmp(unit, "h") == 0                             ? 3.6e6
                   : *unit == '\0'                                      ? 1e3
                                                                        : 0;
    value *= scale;
    if (scale == 0 || value >= 0x1p53) return false;
    *out_ms = (uint64_t)(value + .5);
    return true;
}

bool cli_parse_range(const char *text, sheaf_selection *out)
{
    uint64_t part[3] = {0, UINT64_MAX, 1};
    size_t n = 0;
    const char *p = text;
    for (;; n++) {
        size_t length = strcspn(p, ":");
        char number[32];
        if (n == 3 || length >= sizeof number) return false;
        snprintf(number, sizeof number, "%.*s", (int)length, p);
        if (length && !cli_parse_count(number, &part[n])) return false;
        p += length;
        if (*p == '\0') break;
        p++;
    }
    if (n == 0) {
        if (text[0] == '\0' || part[0] == UINT64_MAX) return false;
        part[1] = part[0] + 1;
    }
    if (part[2] == 0 || part[0] > part[1]) return false;
    *out = (sheaf_selection){.kind = SHEAF_SELECT_RANGE, .start = part[0], .stop = part[1], .step = part[2]};
    return true;
}

/* "5" or "9-12" at p, n bytes. */
static bool parse_span(const char *p, size_t n, int64_t *first, int64_t *last)
{
    char text[64];
    if (n == 0 || n >= sizeof text) return false;
    memcpy(text, p, n);
    text[n] = '\0';
    char *dash = strchr(text + 1, '-');
    if (dash) *dash = '\0';
    if (!cli_parse_integer(text, first)) return false;
    *last = *first;
    return !dash || (cli_parse_integer(dash + 1, last) && *last >= *first);
}

int cli_parse_list(const char *verb, const char *text, int64_t **out, size_t *n)
{
    size_t capacity = 16;
    int64_t *list = malloc(capacity * sizeof *list);
    *n = 0;
    for (const char *p = text; list; p++) {
        size_t length = strcspn(p, ",");
        int64_t first, last;
        if (!parse_span(p, length, &first, &last) || (uint64_t)last - (uint64_t)first >= (uint64_t)1 << 28) {
            free(list);
            return cli_usage(verb, "\"%.*s\" is not a whole number or a span such as 9-12", (int)length, p);
        }
        size_t more = (size_t)(last - first) + 1;
        if (*n + more > capacity) {
            capacity = (*n + more) * 2;
            int64_t *grown = realloc(list, capacity * sizeof *list);
            if (!grown) free(list);
            list = grown;
            if (!list) break;
        }
        for (size_t i = 0; i < more; i++) list[(*n)++] = first + (int64_t)i;
        p += length;
        if (*p == '\0') break;
    }
    if (!list) return cli_error(verb, "out of memory");
    *out = list;
    return CLI_CONTINUE;
}

int cli_parse_reals(const char *verb, const char *text, double **out, size_t *n)
{
    size_t most = 1;
    for (const char *p = text; *p; p++) most += *p == ',';
    double *list = malloc(most * sizeof *list);
    if (!list) return cli_error(verb, "out of memory");
    *n = 0;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        char number[64];
        snprintf(number, sizeof number, "%.*s", (int)(length < 63 ? length : 63), p);
        if (!cli_parse_real(number, &list[(*n)++])) {
            free(list);
            return cli_usage(verb, "\"%s\" is not a number", number);
        }
        p += length;
        if (*p == '\0') break;
    }
    *out = list;
    return CLI_CONTINUE;
}
