// SPDX-License-Identifier: Apache-2.0
#include "format/zarr_parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

void shf_zarr_array_free(shf_zarr_array *array)
{
    json_decref(array->attributes);
    array->attributes = NULL;
}

const char *shf_zarr_text(const json_t *object, const char *member)
{
    return json_string_value(json_object_get(object, member));
}

sheaf_status shf_zarr_parse_lengths(const json_t *value, const char *what, uint64_t min, uint64_t *out, int *n, sheaf_error *err)
{
    if (!json_is_array(value)) return shf_fail(err, SHEAF_ERR_INPUT, "%s is not a list", what);
    size_t count = json_array_size(value);
    if (count > SHEAF_MAX_NDIM)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "%s has %zu dimensions, at most %d are supported", what, count, SHEAF_MAX_NDIM);
    for (size_t i = 0; i < count; i++) {
        const json_t *item = json_array_get(value, i);
        if (!json_is_integer(item) || json_integer_value(item) < (json_int_t)min)
            return shf_fail(err, SHEAF_ERR_INPUT, "%s: element %zu is not an integer of at least %llu", what, i, (unsigned long long)min);
        out[i] = (uint64_t)json_integer_value(item);
    }
    *n = (int)count;
    return SHEAF_OK;
}

void shf_zarr_take_dimensions(const json_t *value, shf_zarr_array *out)
{
    if (!json_is_array(value) || json_array_size(value) != (size_t)out->ndim) return;
    for (int i = 0; i < out->ndim; i++) {
        const json_t *item = json_array_get(value, (size_t)i);
        size_t length = json_string_length(item);
        if (length && length <= SHEAF_MAX_NAME) memcpy(out->dimensions[i], json_string_value(item), length + 1);
    }
}

/* "0x7fc00000": the bits, most significant first (core specification, "Fill value"). */
static bool bits_of_hex(const char *text, size_t size, uint8_t out[8])
{
    if (strncmp(text, "0x", 2) != 0 || strlen(text) != 2 + 2 * size || strspn(text + 2, "0123456789abcdefABCDEF") != 2 * size) return false;
    shf_set_u64(out, strtoull(text + 2, NULL, 16));
    return true;
}

static bool float_of(const json_t *value, double *out)
{
    static const struct {
        const char *text;
        double value;
    } names[] = {{"NaN", (double)NAN}, {"Infinity", (double)INFINITY}, {"-Infinity", (double)-INFINITY}};
    if (json_is_number(value)) {
        *out = json_number_value(value);
        return true;
    }
    const char *text = json_string_value(value);
    for (size_t i = 0; text && i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(text, names[i].text) != 0) continue;
        *out = names[i].value;
        return true;
    }
    return false;
}

static bool parse_float_fill(const json_t *value, sheaf_dtype dtype, uint8_t out[8])
{
    double number;
    if (!float_of(value, &number)) {
        const char *text = json_string_value(value);
        return text && bits_of_hex(text, sheaf_dtype_size(dtype), out);
    }
    float narrow = (float)number;
    if (dtype == SHEAF_F32) {
        memcpy(out, &narrow, sizeof narrow);
    } else {
        memcpy(out, &number, sizeof number);
    }
    return true;
}

/* Integers come as such, as a float without fraction (version 2), or above 2^63 as a string of digits. */
static bool parse_integer_fill(const json_t *value, sheaf_dtype dtype, uint8_t out[8])
{
    bool is_signed = dtype >= SHEAF_I8 && dtype <= SHEAF_I64;
    unsigned bits = (unsigned)sheaf_dtype_size(dtype) * 8;
    uint64_t magnitude;
    bool negative = false;
    const char *text = json_string_value(value);
    if (json_is_integer(value)) {
        json_int_t integer = json_integer_value(value);
        negative = integer < 0;
        magnitude = negative ? 0 - (uint64_t)integer : (uint64_t)integer;
    } else if (json_is_real(value) && fabs(json_real_value(value)) < 9007199254740992.0) {
        double real = json_real_value(value);
        negative = real < 0;
        magnitude = (uint64_t)fabs(real);
        if ((double)magnitude != fabs(real)) return false;
    } else if (text && *text && strspn(text, "0123456789") == strlen(text)) {
        errno = 0;
        magnitude = strtoull(text, NULL, 10);
        if (errno) return false;
    } else {
        return false;
    }
    uint64_t limit = is_signed ? ((uint64_t)1 << (bits - 1)) - !negative : negative ? 0 : UINT64_MAX >> (64 - bits);
    if (magnitude > limit) return false;
    shf_set_u64(out, negative ? 0 - magnitude : magnitude);
    return true;
}

sheaf_status shf_zarr_parse_fill(const json_t *value, sheaf_dtype dtype, uint8_t out[8], sheaf_error *err)
{
    memset(out, 0, 8);
    if (!value || json_is_null(value)) return SHEAF_OK;
    bool ok;
    if (dtype == SHEAF_BOOL) {
        ok = json_is_boolean(value) || (json_is_integer(value) && json_integer_value(value) >= 0 && json_integer_value(value) <= 1);
        out[0] = json_is_true(value) || json_integer_value(value) == 1;
    } else if (dtype == SHEAF_F32 || dtype == SHEAF_F64) {
        ok = parse_float_fill(value, dtype, out);
    } else {
        ok = parse_integer_fill(value, dtype, out);
    }
    if (!ok) return shf_fail(err, SHEAF_ERR_INPUT, "fill_value is none of a %s", sheaf_dtype_name(dtype));
    return SHEAF_OK;
}

static bool find_step(const char *name, shf_zarr_step *out)
{
    static const struct {
        const char *name;
        shf_zarr_step step;
    } steps[] = {
        {"crc32c", SHF_ZARR_CRC32C}, {"blosc", SHF_ZARR_BLOSC}, {"zstd", SHF_ZARR_ZSTD}, {"gzip", SHF_ZARR_GZIP}, {"zlib", SHF_ZARR_ZLIB}};
    if (!strncmp(name, "numcodecs.", 10)) name += 10;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (strcmp(name, steps[i].name) != 0) continue;
        *out = steps[i].step;
        return true;
    }
    return false;
}

sheaf_status shf_zarr_add_step(shf_zarr_chain *chain, const char *name, const json_t *level, sheaf_error *err)
{
    shf_zarr_step step;
    if (!find_step(name, &step)) return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "codec \"%.40s\" is not supported", name);
    if (chain->n_steps == SHF_ZARR_MAX_STEPS)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "more than %d codecs in a row are not supported", SHF_ZARR_MAX_STEPS);
    if (step != SHF_ZARR_CRC32C) {
        for (int i = 0; i < chain->n_steps; i++) {
            if (chain->steps[i] != SHF_ZARR_CRC32C)
                return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "two compressing codecs in a row are not supported (\"%.40s\")", name);
        }
        json_int_t value = json_integer_value(level);
        chain->level = value >= -100 && value <= 100 ? (int)value : 0;
    }
    chain->steps[chain->n_steps++] = step;
    return SHEAF_OK;
}
