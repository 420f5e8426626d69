// SPDX-License-Identifier: Apache-2.0
#include "format/zarr_shard.h"

#include "base/checked.h"
#include "base/crc32c.h"

enum { ENTRY_BYTES = 16, CRC_BYTES = 4, PAGE_BYTES = 4096 };

size_t shf_shard_index_bytes(size_t n, bool checked)
{
    return n * ENTRY_BYTES + (checked ? CRC_BYTES : 0);
}

void shf_shard_write_index(const shf_shard_entry *entries, size_t n, uint8_t *out)
{
    for (size_t i = 0; i < n; i++) {
        shf_set_u64(out + i * ENTRY_BYTES, entries[i].offset);
        shf_set_u64(out + i * ENTRY_BYTES + 8, entries[i].size);
    }
    shf_set_u32(out + n * ENTRY_BYTES, shf_crc32c(0, out, n * ENTRY_BYTES));
}

static sheaf_status check_entry(shf_shard_entry entry, size_t i, uint64_t file_bytes, uint64_t max_bytes, sheaf_error *err)
{
    if (shf_shard_entry_absent(entry)) return SHEAF_OK;
    uint64_t end;
    if (entry.size > max_bytes)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, (int64_t)(i * ENTRY_BYTES),
                           "shard index: chunk %zu has %llu bytes, at most %llu expected", i, (unsigned long long)entry.size,
                           (unsigned long long)max_bytes);
    if (!shf_add_u64(entry.offset, entry.size, &end) || end > file_bytes)
        return shf_fail_at(err, SHEAF_ERR_DAMAGED, NULL, NULL, -1, (int64_t)(i * ENTRY_BYTES),
                           "shard index: chunk %zu (offset %llu, %llu bytes) lies beyond the file's %llu bytes", i,
                           (unsigned long long)entry.offset, (unsigned long long)entry.size, (unsigned long long)file_bytes);
    return SHEAF_OK;
}

sheaf_status shf_shard_read_index(const uint8_t *bytes, size_t n_bytes, bool checked, uint64_t file_bytes, uint64_t max_bytes,
                                  shf_shard_entry *entries, size_t n, sheaf_error *err)
{
    size_t expected = shf_shard_index_bytes(n, checked);
    if (n_bytes != expected) return shf_fail(err, SHEAF_ERR_DAMAGED, "shard index: expected %zu bytes, got %zu", expected, n_bytes);
    if (checked) {
        uint32_t stored = shf_get_u32(bytes + n * ENTRY_BYTES), crc = shf_crc32c(0, bytes, n * ENTRY_BYTES);
        if (stored != crc)
            return shf_fail(err, SHEAF_ERR_DAMAGED, "shard index: CRC-32C %08x stored, %08x computed", (unsigned)stored, (unsigned)crc);
    }
    for (size_t i = 0; i < n; i++) {
        entries[i].offset = shf_get_u64(bytes + i * ENTRY_BYTES);
        entries[i].size = shf_get_u64(bytes + i * ENTRY_BYTES + 8);
        SHF_TRY(check_entry(entries[i], i, file_bytes, max_bytes, err));
    }
    return SHEAF_OK;
}

/* Every codec of ours adds less than 1/64 and 4 KiB (zstd 1/256, deflate 5 bytes per 16 KiB or less, Blosc 16 bytes, CRC 4). */
static bool slot_bytes(uint64_t chunk_bytes, uint64_t *out)
{
    return shf_add_u64(chunk_bytes, chunk_bytes / 64 + 2 * PAGE_BYTES, out) && (*out -= *out % PAGE_BYTES, true);
}

sheaf_status shf_shard_plan_of(size_t n, uint64_t chunk_bytes, shf_shard_plan *plan, sheaf_error *err)
{
    uint64_t all, far, end;
    plan->index_bytes = shf_shard_index_bytes(n, true);
    bool fits = n <= SHF_SHARD_MAX_CHUNKS && slot_bytes(chunk_bytes, &plan->slot_bytes) && shf_mul_u64(plan->slot_bytes, n, &all) &&
                shf_mul_u64(all, 2, &far) && shf_add_u64(all, plan->index_bytes + PAGE_BYTES, &plan->far_base);
    if (fits) plan->far_base -= plan->far_base % PAGE_BYTES;
    fits = fits && shf_add_u64(plan->far_base, far, &plan->copy) && shf_add_u64(plan->copy, plan->index_bytes, &end) && end <= INT64_MAX;
    if (fits) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_RANGE, "a shard of %zu chunks of %llu bytes does not fit into a file", n,
                    (unsigned long long)chunk_bytes);
}
