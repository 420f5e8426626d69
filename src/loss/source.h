// SPDX-License-Identifier: Apache-2.0
/* The reader's core: takes bytes until one event is whole, so that a caller can stop between events. */
#ifndef SHF_LOSS_SOURCE_H
#define SHF_LOSS_SOURCE_H

#include "format/loss_stream.h"
#include "loss/csr.h"
#include "loss/id_set.h"

typedef struct shf_source {
    shf_loss_parser parser;
    shf_csr csr; /* the event at work, or the whole one that was handed over last */
    sheaf_loss_reader_options options;
    shf_id_set items; /* known */
    sheaf_loss_stats stats;
    sheaf_loss_header header;
    bool has_header, waiting, ended; /* waiting: parser stands at a packet of the next event */
    const char *name;                /* Borrowed, for errors; may be NULL */
} shf_source;

sheaf_status shf_source_init(shf_source *s, const sheaf_loss_reader_options *options, sheaf_error *err);
void shf_source_free(shf_source *s);
/* Takes bytes, says how many. *ready: an event is whole in s->csr, until the next call. Without it all n bytes are taken. */
sheaf_status shf_source_next(shf_source *s, const uint8_t *bytes, size_t n, size_t *used, bool *ready, sheaf_error *err);
/* At the end of the input; *ready says that the last event is there. */
sheaf_status shf_source_end(shf_source *s, bool *ready, sheaf_error *err);

#endif
