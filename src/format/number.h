// SPDX-License-Identifier: Apache-2.0
/* Numbers as text and back. Nothing depends on the locale. Any thread.
 *
 * Printing f64 and f32 gives the fewest digits that read back equal (of those, the nearest to the value), in the manner of
 * Python's repr: positional for 1e-4 <= |x| < 1e16 ("0.1", "100000", "-2.5"), else with an exponent of at least two digits
 * ("1e+22", "1.5e-07"); whole numbers have no ".0", so 1.0 is "1" and -0.0 is "-0". Finite numbers are valid JSON. Others: "inf",
 * "-inf", "nan". No terminating zero is written; the length is returned. The algorithm is Schubfach (R. Giulietti, "The Schubfach
 * way to render doubles", 2020). Reading is exact (correctly rounded): the fast path of W. Clinger (1990), then D. Lemire,
 * "Number parsing at a gigabyte per second" (2021). */
#ifndef SHF_FORMAT_NUMBER_H
#define SHF_FORMAT_NUMBER_H

#include <stddef.h>
#include <stdint.h>

/* Room that shf_print_f64, _f32, _i64 and _u64 need at `to`; they may write garbage beyond the length within it. */
#define SHF_NUMBER_ROOM 40
/* Most decimals of shf_print_fixed, and the room it needs. */
#define SHF_DECIMALS_MAX 18
#define SHF_FIXED_ROOM 336

size_t shf_print_f64(char *to, double value);
size_t shf_print_f32(char *to, float value);
size_t shf_print_i64(char *to, int64_t value);
size_t shf_print_u64(char *to, uint64_t value);
/* As printf("%.*f"): the exact value rounded half to even to `decimals` places (clamped to 0 .. SHF_DECIMALS_MAX). */
size_t shf_print_fixed(char *to, double value, int decimals);

/* Each reads the longest number at the start of [begin, end) and returns where it stopped; `begin` when there is none, *value is
 * then unchanged. Accepted: [+-] digits [. digits] [e [+-] digits], ".5", "5.", inf, infinity, nan in any case. No white space,
 * no hexadecimal. Too large gives an infinity, too small a zero. */
const char *shf_parse_f64(const char *begin, const char *end, double *value);
const char *shf_parse_f32(const char *begin, const char *end, float *value);
/* [+-] digits. `begin` also when the number does not fit. */
const char *shf_parse_i64(const char *begin, const char *end, int64_t *value);

#endif
