// SPDX-License-Identifier: Apache-2.0
/* The same cases on the body for processors without AVX2: the bits must not differ. */
#define SHF_PLAIN_LANES 1
#include "../../../src/stats/moments.c"
#include "../../../src/stats/insurance.c"

#include "test_moments.c"
