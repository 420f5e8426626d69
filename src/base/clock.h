// SPDX-License-Identifier: Apache-2.0
/* Time for timers and for the times that people read. */
#ifndef SHF_BASE_CLOCK_H
#define SHF_BASE_CLOCK_H

#include <stdint.h>

/* Monotonic nanoseconds. */
uint64_t shf_clock_ns(void);
/* Seconds since 1970 (UTC). */
int64_t shf_clock_wall_s(void);

#endif
