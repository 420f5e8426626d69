// SPDX-License-Identifier: Apache-2.0
/* Text of Zarr metadata: in, with the tokens that Python's json writes beyond the standard; and out. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "format/zarr_metadata.h"

/* Length of a token at text that jansson refuses: NaN, Infinity, or an integer of 19 digits and more; else 0. */
static size_t loose_token(const char *text, size_t n)
{
    static const char *const words[] = {"NaN", "Infinity", "-Infinity"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        size_t length = strlen(words[i]);
        if (n >= length && !memcmp(text, words[i], length)) return length;
    }
    size_t digits = 0;
    while (digits < n && isdigit((unsigned char)text[digits])) digits++;
    bool integer = digits >= 19 && (digits == n || !strchr(".eE", text[digits]));
    return integer ? digits : 0;
}

/* End of the string that begins at text[at] with '"'. */
static size_t string_end(const char *text, size_t n, size_t at)
{
    for (at++; at < n; at++) {
        if (text[at] == '\\') {
            at++;
        } else if (text[at] == '"') {
            return at + 1;
        }
    }
    return n;
}

/* The text with every loose token as a string. */
static sheaf_status quote_loose_tokens(const char *text, size_t n, shf_buf *out, sheaf_error *err)
{
    size_t at = 0;
    while (at < n) {
        size_t end;
        if (text[at] == '"') {
            end = string_end(text, n, at);
            SHF_TRY(shf_buf_append(out, text + at, end - at, err));
        } else if ((end = loose_token(text + at, n - at)) > 0) {
            end += at;
            SHF_TRY(shf_buf_append_text(out, "\"", err));
            SHF_TRY(shf_buf_append(out, text + at, end - at, err));
            SHF_TRY(shf_buf_append_text(out, "\"", err));
        } else {
            end = at + 1;
            while (end < n && isdigit((unsigned char)text[at]) && isdigit((unsigned char)text[end])) end++;
            SHF_TRY(shf_buf_append(out, text + at, end - at, err));
        }
        at = end;
    }
    return SHEAF_OK;
}

sheaf_status shf_zarr_parse_json(const void *bytes, size_t n, json_t **out, sheaf_error *err)
{
    json_error_t why;
    *out = NULL;
    if (n == 0) return shf_fail(err, SHEAF_ERR_INPUT, "the file is empty");
    *out = json_loadb(bytes, n, 0, &why);
    if (*out) return SHEAF_OK;
    shf_buf strict = {0};
    sheaf_status status = quote_loose_tokens(bytes, n, &strict, err);
    if (status == SHEAF_OK) *out = json_loadb((const char *)strict.data, strict.size, 0, &why);
    shf_buf_free(&strict);
    if (status != SHEAF_OK || *out) return status;
    if (json_error_code(&why) == json_error_out_of_memory) return shf_fail_memory(err, n, "Zarr metadata");
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, why.position, "not valid JSON: line %d: %.160s", why.line, why.text);
}

typedef struct text_sink {
    shf_buf *out;
    bool failed; /* jansson does not look at what the callback returns for an object's key */
} text_sink;

static int append_text(const char *text, size_t n, void *context)
{
    text_sink *sink = context;
    if (!sink->failed) sink->failed = shf_buf_append(sink->out, text, n, NULL) != SHEAF_OK;
    return sink->failed ? -1 : 0;
}

sheaf_status shf_zarr_print_json(const json_t *node, shf_buf *out, sheaf_error *err)
{
    text_sink sink = {.out = out};
    int rc = json_dump_callback(node, append_text, &sink, JSON_INDENT(2) | JSON_REAL_PRECISION(17));
    if (rc || sink.failed) return shf_fail_memory(err, 0, "the text of Zarr metadata");
    return shf_buf_append_text(out, "\n", err);
}
