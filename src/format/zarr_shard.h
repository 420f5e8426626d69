// SPDX-License-Identifier: Apache-2.0
/* A shard: the chunks that one key of a sharded Zarr array holds. Layout (sharding-indexed codec specification, version 1.0): an index of
 * (offset, size) pairs as u64 little-endian, 2^64-1 twice where a chunk is absent, row-major, then its CRC-32C; at the start or the end of
 * the file. Offsets count from the start of the file.
 *
 * Sheaf's own shards (index at the start) have a canonical area, the index and behind it the full chunks tightly packed in row-major order; and
 * while they grow a far area beyond the largest end that the canonical area can have: two slots for the partial state of each chunk,
 * used in turn, and a copy of the index. The gap between them is a hole. */
#ifndef SHF_FORMAT_ZARR_SHARD_H
#define SHF_FORMAT_ZARR_SHARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define SHF_SHARD_ABSENT UINT64_MAX

typedef struct shf_shard_entry {
    uint64_t offset, size; /* both SHF_SHARD_ABSENT: nothing there */
} shf_shard_entry;

static inline bool shf_shard_entry_absent(shf_shard_entry entry)
{
    return entry.offset == SHF_SHARD_ABSENT && entry.size == SHF_SHARD_ABSENT;
}

/* Bytes of an index of n entries. n ≤ SHF_SHARD_MAX_CHUNKS. */
#define SHF_SHARD_MAX_CHUNKS ((size_t)1 << 20)
size_t shf_shard_index_bytes(size_t n, bool checked);
/* out: shf_shard_index_bytes(n, true). */
void shf_shard_write_index(const shf_shard_entry *entries, size_t n, uint8_t *out);
/* Reads n entries. n_bytes must be the index's size. A wrong checksum, or an entry that does not lie in a file of file_bytes or is larger than
 * max_bytes (never trusted): SHEAF_ERR_DAMAGED. */
sheaf_status shf_shard_read_index(const uint8_t *bytes, size_t n_bytes, bool checked, uint64_t file_bytes, uint64_t max_bytes,
                                  shf_shard_entry *entries, size_t n, sheaf_error *err);

/* Where things lie in a shard of n chunks of chunk_bytes decoded each. */
typedef struct shf_shard_plan {
    size_t index_bytes;
    uint64_t slot_bytes; /* room for one encoded chunk, whatever the codec */
    uint64_t far_base;   /* where the far area begins */
    uint64_t copy;       /* where the copy of the index lies */
} shf_shard_plan;

/* SHEAF_ERR_RANGE when a file cannot be that large. */
sheaf_status shf_shard_plan_of(size_t n, uint64_t chunk_bytes, shf_shard_plan *plan, sheaf_error *err);
/* Offset of slot 0 or 1 of chunk i. */
static inline uint64_t shf_shard_slot(const shf_shard_plan *plan, size_t i, unsigned slot)
{
    return plan->far_base + (2 * (uint64_t)i + slot) * plan->slot_bytes;
}

#endif
