// SPDX-License-Identifier: Apache-2.0
/* Any text, split by its first byte: what is read as a stream must be printed and read back as the same stream. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "sheaf/loss.h"

#include "base/buf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static sheaf_status collect(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    return shf_buf_append(context, bytes, n, err);
}

static sheaf_status read_text(const uint8_t *text, size_t size, size_t step, shf_buf *out)
{
    sheaf_loss_parse *parse;
    sheaf_loss_header header;
    if (sheaf_loss_parse_create(NULL, collect, out, &parse, NULL)) abort();
    sheaf_status status = SHEAF_OK;
    for (size_t at = 0; !status && at < size; at += step)
        status = sheaf_loss_parse_feed(parse, text + at, size - at < step ? size - at : step, NULL);
    if (!status) status = sheaf_loss_parse_finish(parse, &header, NULL);
    if (!status) memcpy(out->data + 4, &header.n_samples, 4);
    sheaf_loss_parse_free(&parse);
    return status;
}

static void print_text(const shf_buf *stream, size_t step, shf_buf *out)
{
    sheaf_loss_csv_options options;
    sheaf_loss_csv *csv;
    sheaf_loss_csv_options_init(&options);
    options.exact = true;
    if (sheaf_loss_csv_create(&options, collect, out, &csv, NULL)) abort();
    for (size_t at = 0; at < stream->size; at += step) {
        if (sheaf_loss_csv_feed(csv, stream->data + at, stream->size - at < step ? stream->size - at : step, NULL)) abort();
    }
    if (sheaf_loss_csv_finish(csv, NULL)) abort();
    sheaf_loss_csv_free(&csv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) return 0;
    size_t step = (size_t)data[0] + 1;
    shf_buf stream = {0}, text = {0}, back = {0};
    if (read_text(data + 1, size - 1, step, &stream) == SHEAF_OK) {
        print_text(&stream, step, &text);
        if (read_text(text.data, text.size, step, &back) || back.size != stream.size) abort();
        if (memcmp(back.data, stream.data, stream.size) != 0) abort();
    }
    shf_buf_free(&stream);
    shf_buf_free(&text);
    shf_buf_free(&back);
    return 0;
}
