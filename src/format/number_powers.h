// SPDX-License-Identifier: Apache-2.0
/* Powers of ten to 128 bits, for printing and reading numbers. */
#ifndef SHF_FORMAT_NUMBER_POWERS_H
#define SHF_FORMAT_NUMBER_POWERS_H

#include <stdint.h>

#define SHF_POWER_MIN (-342)
#define SHF_POWER_MAX 324

/* [k - SHF_POWER_MIN] = {high, low} 64 bits of 10^k scaled into [2^127, 2^128), cut off. */
extern const uint64_t shf_powers[SHF_POWER_MAX - SHF_POWER_MIN + 1][2];

#endif
