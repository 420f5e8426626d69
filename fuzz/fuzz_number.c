// SPDX-License-Identifier: Apache-2.0
/* Reads the input as a number as the C library does, prints it, reads it back: the same bits. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/number.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_f64(double value)
{
    char text[SHF_NUMBER_ROOM];
    double back = 0;
    size_t n = shf_print_f64(text, value);
    if (shf_parse_f64(text, text + n, &back) != text + n) abort();
    if (value == value ? memcmp(&back, &value, sizeof back) != 0 : back == back) abort();
}

static void check_f32(float value)
{
    char text[SHF_NUMBER_ROOM];
    float back = 0;
    size_t n = shf_print_f32(text, value);
    if (shf_parse_f32(text, text + n, &back) != text + n) abort();
    if (value == value ? memcmp(&back, &value, sizeof back) != 0 : back == back) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data, *end = text + size;
    double d = 0;
    float f = 0;
    int64_t n = 0;
    const char *stop = shf_parse_f64(text, end, &d);
    if (shf_parse_f32(text, end, &f) != stop) abort();
    (void)shf_parse_i64(text, end, &n);
    if (stop > text && d == d && stop - text < 3000) {
        char copy[3001];
        memcpy(copy, text, (size_t)(stop - text));
        copy[stop - text] = '\0';
        if (strtod(copy, NULL) != d || strtof(copy, NULL) != f) abort();
    }
    check_f64(d);
    check_f32(f);
    char fixed[SHF_FIXED_ROOM];
    if (shf_print_fixed(fixed, d, (int)(size % 20)) > SHF_FIXED_ROOM) abort();
    if (size >= 8) {
        memcpy(&d, data, sizeof d);
        memcpy(&f, data, sizeof f);
        check_f64(d);
        check_f32(f);
    }
    return 0;
}
