// SPDX-License-Identifier: Apache-2.0
/* Any bytes as a shard index: an error, or entries that lie within the file; a whole one is written back the same. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "format/zarr_shard.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *bytes, size_t n_bytes, bool checked, uint64_t file_bytes, uint64_t max_bytes, size_t n)
{
    shf_shard_entry entries[64];
    uint8_t written[64 * 16 + 4];
    if (shf_shard_read_index(bytes, n_bytes, checked, file_bytes, max_bytes, entries, n, NULL) != SHEAF_OK) return;
    for (size_t i = 0; i < n; i++) {
        if (shf_shard_entry_absent(entries[i])) continue;
        if (entries[i].size > max_bytes || entries[i].offset > file_bytes || entries[i].size > file_bytes - entries[i].offset) abort();
    }
    shf_shard_write_index(entries, n, written);
    if (memcmp(written, bytes, n_bytes) != 0) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 3) return 0;
    size_t n = data[0] % 65;
    uint64_t file_bytes = (uint64_t)data[1] << 8, max_bytes = (uint64_t)data[2] << 4;
    check(data + 3, size - 3, true, file_bytes, max_bytes, n);
    check(data + 3, size - 3, false, file_bytes, max_bytes, n);
    return 0;
}
