// SPDX-License-Identifier: Apache-2.0
/* How a loss stream lies in a store: three tables that are committed together.
 *   pair    sidx_delta i32 (sidx less the one before it in the packet, modulo 2^32), loss f32 (every bit as it came)
 *   packet  event_id i32, item_id i32, pair_end i64 (its pairs are those from the end of the packet before), pass_through f32 (beside sidx -4, 0 when
 *           there is none), delimiter i32 (the loss bytes beside it), flags u8, in summary streams exposure f32
 *   event   event i32, packet_end i64: one row for each run of packets of the same event, for look-up; written when the run is over
 * The header words are attributes of the store. A packet is appended after its pairs, so whatever a crash leaves is a prefix. */
#ifndef SHF_LOSS_STORED_H
#define SHF_LOSS_STORED_H

#include "format/loss_stream.h"
#include "sheaf/store.h"

enum {
    SHF_PACKET_OPEN = 1, /* its delimiter was left out */
    SHF_PACKET_VOID = 2, /* no packet: pairs that a crash left without one */
};

/* *schema: Owned by the caller. codec for every array. */
sheaf_status shf_stored_schema(const shf_loss_header *header, sheaf_codec codec, sheaf_schema **schema, sheaf_error *err);
/* SHEAF_ERR_INPUT when the store holds no loss stream. */
sheaf_status shf_stored_header(sheaf_store *store, shf_loss_header *header, sheaf_error *err);
/* Rows [begin, end) of an array. */
sheaf_status shf_stored_rows(sheaf_store *store, const char *array, uint64_t begin, uint64_t end, void *out, size_t element,
                             sheaf_error *err);

#endif
