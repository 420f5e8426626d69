// SPDX-License-Identifier: Apache-2.0
/* Bytes of the tail log: what was committed since the last checkpoint. Described in docs/formats/tail-log.md.
 *
 * Header (256 bytes), tip (256 bytes, since version 2), then frames. A frame: u64 payload size, u32 crc32c, payload. The checksum covers the payload, then generation, sequence
 * and size, so that frames of an older generation, or out of their place, do not count. Within a payload, sections: a type byte, then
 * LEB128 numbers and bytes. All numbers little-endian. */
#ifndef SHF_FORMAT_TAIL_LOG_H
#define SHF_FORMAT_TAIL_LOG_H

#include <stdbool.h>

#include "base/buf.h"

#define SHF_LOG_HEADER_BYTES 256u
#define SHF_LOG_TIP_BYTES 256u
#define SHF_LOG_FRAMES_AT (SHF_LOG_HEADER_BYTES + SHF_LOG_TIP_BYTES) /* in what this build writes */
#define SHF_LOG_FRAME_BYTES 12u                                      /* size and checksum before the payload */

typedef struct shf_log_header {
    uint64_t generation;
    int64_t pid;
    int64_t since; /* seconds since 1970 */
    uint32_t n_arrays, n_records;
    uint32_t frames_at; /* byte where frames begin; set by reading */
    char host[64];
    char format[16];
} shf_log_header;

void shf_log_header_write(const shf_log_header *header, uint8_t out[SHF_LOG_HEADER_BYTES]);
/* SHEAF_ERR_DAMAGED when it is none (too short, magic, version, checksum). */
sheaf_status shf_log_header_read(const void *bytes, size_t n, shf_log_header *header, sheaf_error *err);

/* How far a generation had come not long ago, so that who wants its lengths alone need not read all frames. */
typedef struct shf_log_tip {
    uint64_t sequence; /* of the frame at position */
    uint64_t position; /* bytes */
} shf_log_tip;
/* lengths: of each record dimension, before the frame at the tip. A tip of too many of them, or with another generation's checksum, is none (false). */
bool shf_log_tip_write(const shf_log_tip *tip, uint64_t generation, const uint64_t *lengths, size_t n_records,
                       uint8_t out[SHF_LOG_TIP_BYTES]);
bool shf_log_tip_read(const uint8_t bytes[SHF_LOG_TIP_BYTES], uint64_t generation, shf_log_tip *tip, uint64_t *lengths, size_t n_records);

/* Checksum of a frame, from the crc32c of its payload. */
uint32_t shf_log_frame_crc(uint32_t payload_crc, uint64_t generation, uint64_t sequence, uint64_t payload_bytes);
void shf_log_frame_head(uint64_t payload_bytes, uint32_t crc, uint8_t out[SHF_LOG_FRAME_BYTES]);

typedef enum shf_log_section_type {
    SHF_LOG_LENGTHS = 1,    /* count, then a length for each record dimension */
    SHF_LOG_CHUNK = 2,      /* array, block, column, offset, size, mask, crc */
    SHF_LOG_ROWS = 3,       /* record, first row, rows; for each of its arrays the rows to leave out at the front; then the rows of each */
    SHF_LOG_ATTRIBUTES = 4, /* 0: the store, i + 1: array i; size, JSON */
    SHF_LOG_REDO = 5,       /* size, bytes of a checkpoint that is under way */
} shf_log_section_type;

/* At most 10 bytes. */
size_t shf_log_put_varint(uint8_t *out, uint64_t value);
#define SHF_LOG_VARINT_MAX 10u

/* Walks the sections of one payload. */
typedef struct shf_log_cursor {
    const uint8_t *at, *end;
} shf_log_cursor;

typedef struct shf_log_section {
    shf_log_section_type type;
    uint64_t number[7];   /* in the order of the list above; LENGTHS: [0] count; ATTRIBUTES: [0] which; ROWS: record, first row, rows */
    const uint8_t *bytes; /* LENGTHS: the lengths' varints; ATTRIBUTES, REDO: content */
    size_t n_bytes;
} shf_log_section;

/* *more = false at the end. ROWS leaves the cursor at the skip list: the caller reads it by shf_log_varint and takes the rows by shf_log_take.
 * Anything out of its bounds: SHEAF_ERR_DAMAGED. */
sheaf_status shf_log_next(shf_log_cursor *cursor, shf_log_section *section, bool *more, sheaf_error *err);
sheaf_status shf_log_varint(shf_log_cursor *cursor, uint64_t *value, sheaf_error *err);
sheaf_status shf_log_take(shf_log_cursor *cursor, uint64_t n, const uint8_t **bytes, sheaf_error *err);

#endif
