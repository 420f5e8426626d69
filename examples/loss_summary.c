// SPDX-License-Identifier: Apache-2.0
/* From items to one summary: reads a loss stream on standard input, sums the losses of all items of each event by sample, and writes a legal
 * summary stream: loss_summary < gul.bin | sheaf loss table melt -
 * Build: cc loss_summary.c -lsheaf */
#include <sheaf/loss.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_SIDX = -5 };

typedef struct summary {
    sheaf_loss_reader *reader;
    sheaf_loss_writer *writer;
    double *sums; /* sidx -5 … S, n of them */
    int32_t *sidx;
    float *losses;
    size_t n;
} summary;

static sheaf_status to_stdout(void *context, const void *bytes, size_t n, sheaf_error *err)
{
    (void)context;
    if (fwrite(bytes, 1, n, stdout) == n) return SHEAF_OK;
    if (err) snprintf(err->message, sizeof err->message, "cannot write to standard output");
    return SHEAF_ERR_IO;
}

/* The writer is made when the header has come: the same samples, source 3. */
static sheaf_status begin(summary *s, sheaf_error *err)
{
    const sheaf_loss_header *in = sheaf_loss_reader_header(s->reader);
    sheaf_loss_header out = {SHEAF_LOSS_WORD_SUMMARY, in->n_samples, 1};
    s->n = (size_t)in->n_samples + 6;
    s->sums = calloc(s->n, sizeof *s->sums);
    s->sidx = calloc(s->n, sizeof *s->sidx);
    s->losses = calloc(s->n, sizeof *s->losses);
    if (!s->sums || !s->sidx || !s->losses) return SHEAF_ERR_MEMORY;
    return sheaf_loss_writer_create(&out, false, to_stdout, NULL, &s->writer, err);
}

static sheaf_status on_event(void *context, const sheaf_loss_event *event, sheaf_error *err)
{
    summary *s = context;
    sheaf_status status = s->writer ? SHEAF_OK : begin(s, err);
    if (status) return status;
    memset(s->sums, 0, s->n * sizeof *s->sums);
    for (int64_t i = 0; i < event->indptr[event->n_items]; i++) {
        int64_t place = (int64_t)event->sidx[i] - FIRST_SIDX;
        if (place >= 0 && (size_t)place < s->n) s->sums[place] += (double)event->loss[i];
    }
    size_t n = 0;
    for (size_t place = 0; place < s->n; place++) {
        if (s->sums[place] == 0) continue;
        s->sidx[n] = (int32_t)place + FIRST_SIDX;
        s->losses[n++] = (float)s->sums[place];
    }
    float exposure = (float)s->sums[-3 - FIRST_SIDX], n_risks = (float)event->n_items;
    return sheaf_loss_writer_put_packet(s->writer, event->event_id, 1, n_risks, exposure, n, s->sidx, s->losses, err);
}

static sheaf_status run(summary *s, sheaf_error *err)
{
    static char block[1 << 16];
    size_t n;
    sheaf_status status = sheaf_loss_reader_create(NULL, on_event, s, &s->reader, err);
    while (!status && (n = fread(block, 1, sizeof block, stdin)) > 0) status = sheaf_loss_reader_feed(s->reader, block, n, err);
    if (!status) status = sheaf_loss_reader_finish(s->reader, err);
    if (!status && !s->writer) status = begin(s, err); /* a stream without events */
    if (!status) status = sheaf_loss_writer_finish(s->writer, err);
    return status;
}

int main(void)
{
    summary s = {0};
    sheaf_error err = {0};
    sheaf_status status = run(&s, &err);
    if (status) fprintf(stderr, "loss_summary: %s\n", err.message[0] ? err.message : sheaf_status_text(status));
    sheaf_loss_reader_free(&s.reader);
    sheaf_loss_writer_free(&s.writer);
    free(s.sums);
    free(s.sidx);
    free(s.losses);
    return status ? 1 : 0;
}
