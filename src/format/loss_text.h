// SPDX-License-Identifier: Apache-2.0
/* Loss streams as comma-separated text, one pair a line, fast. Floats are printed as shf_print_f32 prints them. */
#ifndef SHF_FORMAT_LOSS_TEXT_H
#define SHF_FORMAT_LOSS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Room for one number, garbage beyond its length included. */
#define SHF_LOSS_NUMBER_ROOM 64
/* Room for one line. */
#define SHF_LOSS_LINE_ROOM 128

/* The f32 of these bits: the fewest digits that read back equal; NaN other than the usual one as nan(0x7fc00001), so that its bits read
 * back too. Returns the length. */
size_t shf_loss_print_bits(char *to, uint32_t bits);
/* With a fixed number of decimals (0 to 9). */
size_t shf_loss_print_fixed(char *to, uint32_t bits, int decimals);
size_t shf_loss_print_i32(char *to, int32_t value);

/* Prints n lines PREFIX sidx , loss SUFFIX; prefix and suffix are shorter than 32 bytes and lie in buffers of at least 32. decimals < 0: shortest.
 * Room at `to`: (n + 4) × SHF_LOSS_LINE_ROOM. Returns the end. */
char *shf_loss_print_pairs(char *to, const uint8_t *pairs, size_t n, const char *prefix, size_t prefix_n, const char *suffix,
                           size_t suffix_n, int decimals);

/* Each reads a number at the start of [p, end) and returns where it stopped; NULL when there is none or it does not fit. */
const char *shf_loss_read_i32(const char *p, const char *end, int32_t *value);
const char *shf_loss_read_bits(const char *p, const char *end, uint32_t *bits);

/* Reads "PREFIX sidx , loss LF" when it is of the usual kind (up to 8 digits before and behind the point, no sign, no exponent) and at least 96 bytes
 * are left; else NULL, and the others above must be used. Returns the next line. prefix lies in a buffer of at least 32 bytes, prefix_n < 32. */
const char *shf_loss_read_line(const char *p, const char *end, const char *prefix, size_t prefix_n, int32_t *sidx, uint32_t *bits);

#endif
