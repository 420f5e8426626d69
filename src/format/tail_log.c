// SPDX-License-Identifier: Apache-2.0
#include "format/tail_log.h"

#include <string.h>

#include "base/checked.h"
#include "base/crc32c.h"

static const char g_magic[8] = {'S', 'H', 'E', 'A', 'F', 'L', 'O', 'G'};
#define VERSION 2u /* 1 had no tip */

/* Byte offsets within the header. */
enum {
    AT_VERSION = 8,
    AT_ARRAYS = 12,
    AT_GENERATION = 16,
    AT_PID = 24,
    AT_SINCE = 32,
    AT_RECORDS = 40,
    AT_HOST = 48,
    AT_FORMAT = 112,
    AT_CRC = 252
};

/* Byte offsets within the tip. */
enum {
    TIP_SEQUENCE = 0,
    TIP_POSITION = 8,
    TIP_RECORDS = 16,
    TIP_CRC = 20,
    TIP_LENGTHS = 24,
    TIP_MAX_RECORDS = (SHF_LOG_TIP_BYTES - TIP_LENGTHS) / 8
};

void shf_log_header_write(const shf_log_header *header, uint8_t out[SHF_LOG_HEADER_BYTES])
{
    memset(out, 0, SHF_LOG_HEADER_BYTES);
    memcpy(out, g_magic, sizeof g_magic);
    shf_set_u32(out + AT_VERSION, VERSION);
    shf_set_u32(out + AT_ARRAYS, header->n_arrays);
    shf_set_u64(out + AT_GENERATION, header->generation);
    shf_set_u64(out + AT_PID, (uint64_t)header->pid);
    shf_set_u64(out + AT_SINCE, (uint64_t)header->since);
    shf_set_u32(out + AT_RECORDS, header->n_records);
    memcpy(out + AT_HOST, header->host, sizeof header->host);
    memcpy(out + AT_FORMAT, header->format, sizeof header->format);
    shf_set_u32(out + AT_CRC, shf_crc32c(0, out, AT_CRC));
}

sheaf_status shf_log_header_read(const void *bytes, size_t n, shf_log_header *header, sheaf_error *err)
{
    const uint8_t *in = bytes;
    if (n < SHF_LOG_HEADER_BYTES || memcmp(in, g_magic, sizeof g_magic) != 0)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "no tail log: its header is missing");
    if (shf_get_u32(in + AT_CRC) != shf_crc32c(0, in, AT_CRC))
        return shf_fail(err, SHEAF_ERR_DAMAGED, "the tail log's header has a wrong checksum");
    uint32_t version = shf_get_u32(in + AT_VERSION);
    if (version < 1 || version > VERSION)
        return shf_fail(err, SHEAF_ERR_UNSUPPORTED, "the tail log has version %u, this build reads 1 to %u", version, VERSION);
    header->frames_at = version == 1 ? SHF_LOG_HEADER_BYTES : SHF_LOG_FRAMES_AT;
    header->n_arrays = shf_get_u32(in + AT_ARRAYS);
    header->generation = shf_get_u64(in + AT_GENERATION);
    header->pid = (int64_t)shf_get_u64(in + AT_PID);
    header->since = (int64_t)shf_get_u64(in + AT_SINCE);
    header->n_records = shf_get_u32(in + AT_RECORDS);
    memcpy(header->host, in + AT_HOST, sizeof header->host);
    memcpy(header->format, in + AT_FORMAT, sizeof header->format);
    header->host[sizeof header->host - 1] = '\0';
    header->format[sizeof header->format - 1] = '\0';
    return SHEAF_OK;
}

static uint32_t tip_crc(const uint8_t *tip, uint64_t generation, size_t n_records)
{
    uint8_t of[8];
    shf_set_u64(of, generation);
    uint32_t crc = shf_crc32c(shf_crc32c(0, of, sizeof of), tip, TIP_CRC);
    return shf_crc32c(crc, tip + TIP_LENGTHS, n_records * 8);
}

bool shf_log_tip_write(const shf_log_tip *tip, uint64_t generation, const uint64_t *lengths, size_t n_records,
                       uint8_t out[SHF_LOG_TIP_BYTES])
{
    if (n_records > TIP_MAX_RECORDS) return false;
    memset(out, 0, SHF_LOG_TIP_BYTES);
    shf_set_u64(out + TIP_SEQUENCE, tip->sequence);
    shf_set_u64(out + TIP_POSITION, tip->position);
    shf_set_u32(out + TIP_RECORDS, (uint32_t)n_records);
    for (size_t i = 0; i < n_records; i++) shf_set_u64(out + TIP_LENGTHS + 8 * i, lengths[i]);
    shf_set_u32(out + TIP_CRC, tip_crc(out, generation, n_records));
    return true;
}

bool shf_log_tip_read(const uint8_t bytes[SHF_LOG_TIP_BYTES], uint64_t generation, shf_log_tip *tip, uint64_t *lengths, size_t n_records)
{
    if (n_records > TIP_MAX_RECORDS || shf_get_u32(bytes + TIP_RECORDS) != n_records) return false;
    if (shf_get_u32(bytes + TIP_CRC) != tip_crc(bytes, generation, n_records)) return false;
    *tip = (shf_log_tip){shf_get_u64(bytes + TIP_SEQUENCE), shf_get_u64(bytes + TIP_POSITION)};
    for (size_t i = 0; i < n_records; i++) lengths[i] = shf_get_u64(bytes + TIP_LENGTHS + 8 * i);
    return true;
}

uint32_t shf_log_frame_crc(uint32_t payload_crc, uint64_t generation, uint64_t sequence, uint64_t payload_bytes)
{
    uint8_t place[24];
    shf_set_u64(place, generation);
    shf_set_u64(place + 8, sequence);
    shf_set_u64(place + 16, payload_bytes);
    return shf_crc32c(payload_crc, place, sizeof place);
}

void shf_log_frame_head(uint64_t payload_bytes, uint32_t crc, uint8_t out[SHF_LOG_FRAME_BYTES])
{
    shf_set_u64(out, payload_bytes);
    shf_set_u32(out + 8, crc);
}

size_t shf_log_put_varint(uint8_t *out, uint64_t value)
{
    size_t n = 0;
    while (value >= 0x80) {
        out[n++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    out[n++] = (uint8_t)value;
    return n;
}

sheaf_status shf_log_varint(shf_log_cursor *cursor, uint64_t *value, sheaf_error *err)
{
    *value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (cursor->at == cursor->end) break;
        uint8_t byte = *cursor->at++;
        *value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80)) return SHEAF_OK;
    }
    return shf_fail(err, SHEAF_ERR_DAMAGED, "a number in a frame of the tail log is cut short");
}

sheaf_status shf_log_take(shf_log_cursor *cursor, uint64_t n, const uint8_t **bytes, sheaf_error *err)
{
    uint64_t left = (uint64_t)(cursor->end - cursor->at);
    if (n > left)
        return shf_fail(err, SHEAF_ERR_DAMAGED, "a frame of the tail log should hold %llu more bytes, it has %llu", (unsigned long long)n,
                        (unsigned long long)left);
    *bytes = cursor->at;
    cursor->at += n;
    return SHEAF_OK;
}

static sheaf_status take_numbers(shf_log_cursor *cursor, shf_log_section *section, int n, sheaf_error *err)
{
    for (int i = 0; i < n; i++) SHF_TRY(shf_log_varint(cursor, &section->number[i], err));
    return SHEAF_OK;
}

static sheaf_status take_blob(shf_log_cursor *cursor, shf_log_section *section, sheaf_error *err)
{
    uint64_t size;
    SHF_TRY(shf_log_varint(cursor, &size, err));
    SHF_TRY(shf_log_take(cursor, size, &section->bytes, err));
    section->n_bytes = (size_t)size;
    return SHEAF_OK;
}

static sheaf_status take_lengths(shf_log_cursor *cursor, shf_log_section *section, sheaf_error *err)
{
    SHF_TRY(take_numbers(cursor, section, 1, err));
    section->bytes = cursor->at;
    for (uint64_t i = 0; i < section->number[0]; i++) {
        uint64_t length;
        SHF_TRY(shf_log_varint(cursor, &length, err));
    }
    section->n_bytes = (size_t)(cursor->at - section->bytes);
    return SHEAF_OK;
}

sheaf_status shf_log_next(shf_log_cursor *cursor, shf_log_section *section, bool *more, sheaf_error *err)
{
    memset(section, 0, sizeof *section);
    *more = cursor->at < cursor->end;
    if (!*more) return SHEAF_OK;
    uint8_t type = *cursor->at++;
    section->type = (shf_log_section_type)type;
    switch (section->type) {
    case SHF_LOG_LENGTHS: return take_lengths(cursor, section, err);
    case SHF_LOG_CHUNK: return take_numbers(cursor, section, 7, err);
    case SHF_LOG_ROWS: return take_numbers(cursor, section, 3, err);
    case SHF_LOG_ATTRIBUTES: SHF_TRY(take_numbers(cursor, section, 1, err)); return take_blob(cursor, section, err);
    case SHF_LOG_REDO: return take_blob(cursor, section, err);
    }
    return shf_fail(err, SHEAF_ERR_DAMAGED, "a frame of the tail log has a section of the unknown type %u", type);
}
