// SPDX-License-Identifier: Apache-2.0
/* CRC-32C (Castagnoli, RFC 3720 appendix B.4), as Zarr's crc32c codec and shard index use it. */
#ifndef SHF_BASE_CRC32C_H
#define SHF_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* CRC of n bytes, going on from `crc` (0 to begin). SSE4.2 where the processor has it. */
uint32_t shf_crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
