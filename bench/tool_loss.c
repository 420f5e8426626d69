// SPDX-License-Identifier: Apache-2.0
/* tool_loss parse|canonical FILE: reads a loss stream to sparse events, and with canonical writes them to /dev/null, in one thread.
 * Prints MB/s of input. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "measure.h"
#include "sheaf/loss.h"

typedef struct run {
    sheaf_loss_writer *writer;
    int null;
    size_t n_items;
} run;

static sheaf_status to_null(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    (void)err;
    return write(((const run *)context)->null, bytes, n) == (ssize_t)n ? SHEAF_OK : SHEAF_ERR_IO;
}

static sheaf_status on_event(void *context, const sheaf_loss_event *event, sheaf_error *err)
{
    run *r = context;
    r->n_items += event->n_items;
    return r->writer ? sheaf_loss_writer_put_event(r->writer, event, err) : SHEAF_OK;
}

int main(int argc, char **argv)
{
    static char block[256 << 10];
    run r = {NULL, -1, 0};
    sheaf_error err = {0};
    sheaf_loss_reader *reader;
    if (argc != 3) return 2;
    int fd = open(argv[2], O_RDONLY);
    r.null = open("/dev/null", O_WRONLY);
    if (fd < 0 || r.null < 0 || sheaf_loss_reader_create(NULL, on_event, &r, &reader, &err)) return 1;
    double begun = measure_now_s(), bytes = 0;
    for (ssize_t n; (n = read(fd, block, sizeof block)) > 0; bytes += (double)n) {
        if (bytes == 0 && strcmp(argv[1], "canonical") == 0) {
            sheaf_loss_header header = {0, 0, 0};
            memcpy(&header, block, 8);
            if (sheaf_loss_writer_create(&header, false, to_null, &r, &r.writer, &err)) return 1;
        }
        if (sheaf_loss_reader_feed(reader, block, (size_t)n, &err)) return 1;
    }
    if (sheaf_loss_reader_finish(reader, &err) || (r.writer && sheaf_loss_writer_finish(r.writer, &err))) return 1;
    printf("%.6g %zu\n", bytes / 1e6 / (measure_now_s() - begun), r.n_items);
    sheaf_loss_reader_free(&reader);
    sheaf_loss_writer_free(&r.writer);
    return 0;
}
