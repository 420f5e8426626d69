#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes src/format/number_powers.c: the leading 128 bits of 10^k, truncated, for k = -342 .. 324."""
from fractions import Fraction

FIRST, LAST, BITS = -342, 324, 128


def leading_bits(k: int) -> int:
    value = Fraction(10) ** k
    shift = BITS - (value.numerator.bit_length() - value.denominator.bit_length())
    bits = int(value * Fraction(2) ** shift)
    while bits >> BITS:
        shift -= 1
        bits = int(value * Fraction(2) ** shift)
    while not bits >> (BITS - 1):
        shift += 1
        bits = int(value * Fraction(2) ** shift)
    return bits


print("// SPDX-License-Identifier: Apache-2.0")
print("/* Made by tools/make-power-table.py; the digits of 10^k in base 2, its first 128 bits, cut off (not rounded). */")
print('#include "format/number_powers.h"\n')
print(f"const uint64_t shf_powers[{LAST - FIRST + 1}][2] = {{")
entries = [leading_bits(k) for k in range(FIRST, LAST + 1)]
words = [f"{{0x{e >> 64:016x}, 0x{e & (2**64 - 1):016x}}}," for e in entries]
for i in range(0, len(words), 3):
    print("    " + " ".join(words[i:i + 3]))
print("};")
