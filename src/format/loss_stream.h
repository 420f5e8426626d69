// SPDX-License-Identifier: Apache-2.0
/* The binary loss stream of catastrophe models: header words, packets {event, item [, exposure]}, pairs {sidx, loss} up to sidx 0.
 * Little-endian, packed; no magic, no length, no checksum. The delimiter of the very last packet may be left out.
 * Format: ktools documentation, "Specification: Data streaming framework". */
#ifndef SHF_FORMAT_LOSS_STREAM_H
#define SHF_FORMAT_LOSS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Source (upper byte of word 0). */
enum { SHF_LOSS_SOURCE_GUL = 1, SHF_LOSS_SOURCE_LOSS = 2, SHF_LOSS_SOURCE_SUMMARY = 3 };

enum {
    SHF_LOSS_PAIR_BYTES = 8,
    SHF_LOSS_MAX_HEADER_BYTES = 12, /* of the stream and of a packet: 8, in a summary stream 12 */
};

/* Sample indices with a meaning of their own. */
enum {
    SHF_LOSS_SIDX_MAX = -5,    /* maximum loss */
    SHF_LOSS_SIDX_CHANCE = -4, /* chance of loss; in summaries the number of affected risks */
    SHF_LOSS_SIDX_TIV = -3,    /* total insured value, impacted exposure */
    SHF_LOSS_SIDX_SD = -2,     /* standard deviation */
    SHF_LOSS_SIDX_MEAN = -1,
};

typedef struct shf_loss_header {
    uint32_t word;     /* source << 24 | aggregation */
    int32_t n_samples; /* S, the largest sample index */
    int32_t set_id;    /* summary streams only, else 0 */
} shf_loss_header;

static inline unsigned shf_loss_source(const shf_loss_header *h)
{
    return h->word >> 24;
}
static inline bool shf_loss_is_summary(const shf_loss_header *h)
{
    return shf_loss_source(h) == SHF_LOSS_SOURCE_SUMMARY;
}
/* Bytes of the stream header, and of each packet's header. */
static inline size_t shf_loss_header_bytes(const shf_loss_header *h)
{
    return shf_loss_is_summary(h) ? 12 : 8;
}
/* Writes 8 or 12 bytes, returns how many. */
size_t shf_loss_header_write(const shf_loss_header *h, uint8_t *out);
/* SHEAF_ERR_MISMATCH with both words when two streams cannot be joined. */
sheaf_status shf_loss_header_agree(const shf_loss_header *a, const char *name_a, const shf_loss_header *b, const char *name_b,
                                   sheaf_error *err);

typedef enum shf_loss_token_kind {
    SHF_LOSS_NEED_INPUT, /* all input is taken (or kept: at most 11 bytes) */
    SHF_LOSS_HEADER,     /* parser->header is there */
    SHF_LOSS_PACKET,     /* a packet begins */
    SHF_LOSS_PAIRS,      /* pairs of the current packet, none of them the delimiter */
    SHF_LOSS_END,        /* the packet ends */
} shf_loss_token_kind;

typedef struct shf_loss_token {
    shf_loss_token_kind kind;
    const uint8_t *pairs; /* PAIRS: n_pairs × {i32 sidx, f32 loss}, unaligned; Borrowed from the input or the parser until the next call */
    size_t n_pairs;
    uint32_t end_bits; /* END: the loss bytes beside the delimiter */
    bool delimited;    /* END: false when the stream ended instead */
} shf_loss_token;

/* The state between two bytes of a stream: a plain value, copies go on alone. */
typedef struct shf_loss_parser {
    shf_loss_header header;
    int32_t event_id, item_id;
    uint32_t exposure_bits; /* f32, summary streams only */
    uint64_t offset;        /* bytes taken so far, the kept ones left out */
    uint64_t packet_offset; /* of the current packet's header */
    uint32_t kept;          /* bytes of an incomplete word group */
    uint32_t state;
    uint8_t hold[16];
} shf_loss_parser;

void shf_loss_parser_init(shf_loss_parser *p);
/* A parser that stands behind the stream header. */
void shf_loss_parser_init_packets(shf_loss_parser *p, const shf_loss_header *h, uint64_t offset);
/* Takes bytes from `in` until one token is there; returns how many. Never reads beyond in + n. Header words that are no loss stream's
 * are reported through shf_loss_parser_check. */
size_t shf_loss_parser_next(shf_loss_parser *p, const uint8_t *in, size_t n, shf_loss_token *token);
/* At the end of the input: true with an END token when a packet is open at a legal end (its delimiter left out). */
bool shf_loss_parser_last(shf_loss_parser *p, shf_loss_token *token);
/* At the end of the input: SHEAF_ERR_TRUNCATED with byte, event and item unless the stream may end here. */
sheaf_status shf_loss_parser_finish(const shf_loss_parser *p, sheaf_error *err);
/* SHEAF_ERR_INPUT unless the header words are those of a loss stream. */
sheaf_status shf_loss_header_check(const shf_loss_header *h, sheaf_error *err);
bool shf_loss_parser_in_packet(const shf_loss_parser *p);

/* How many of the n pairs come before a delimiter (n when there is none). */
size_t shf_loss_find_end(const uint8_t *pairs, size_t n);

/* Pieces of a stream. */
sheaf_status shf_loss_put_packet(shf_buf *out, const shf_loss_header *h, int32_t event_id, int32_t item_id, uint32_t exposure_bits,
                                 sheaf_error *err);
sheaf_status shf_loss_put_pair(shf_buf *out, int32_t sidx, uint32_t loss_bits, sheaf_error *err);
/* n pairs from two arrays; with skip_zeros those of loss 0 (or NaN) are left out. */
sheaf_status shf_loss_put_pairs(shf_buf *out, const int32_t *sidx, const float *loss, size_t n, bool skip_zeros, sheaf_error *err);

/* One entry of a packet index: text "id,offset\n", or {i32 id, i64 offset}. */
sheaf_status shf_loss_put_index(shf_buf *out, int32_t id, uint64_t offset, bool binary, sheaf_error *err);

#endif
