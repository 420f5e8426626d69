// SPDX-License-Identifier: Apache-2.0
/* Walks any bytes as the payload of a frame, and as a header with its tip. */
#include "format/tail_log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    shf_log_header header;
    sheaf_error err;
    if (shf_log_header_read(data, size, &header, &err) == SHEAF_OK) {
        uint8_t again[SHF_LOG_HEADER_BYTES];
        shf_log_header_write(&header, again);
        shf_log_tip tip;
        uint64_t lengths[3];
        if (size >= SHF_LOG_FRAMES_AT && shf_log_tip_read(data + SHF_LOG_HEADER_BYTES, header.generation, &tip, lengths, 3)) {
            uint8_t tip_again[SHF_LOG_TIP_BYTES];
            if (!shf_log_tip_write(&tip, header.generation, lengths, 3, tip_again)) __builtin_trap();
        }
    }
    shf_log_cursor cursor = {data, data + size};
    shf_log_section section;
    bool more = true;
    while (more && shf_log_next(&cursor, &section, &more, &err) == SHEAF_OK && more) {
        if (cursor.at > cursor.end || (section.bytes && section.bytes + section.n_bytes > cursor.end)) __builtin_trap();
        const uint8_t *bytes;
        uint64_t skip;
        if (section.type == SHF_LOG_ROWS &&
            (shf_log_varint(&cursor, &skip, &err) != SHEAF_OK || shf_log_take(&cursor, section.number[2], &bytes, &err) != SHEAF_OK))
            break;
    }
    return 0;
}
