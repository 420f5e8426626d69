// SPDX-License-Identifier: Apache-2.0
/* Numbers to text. Schubfach's names are kept: v = c * 2^q, g the power of ten, s and t its candidates. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "format/number.h"
#include "format/number_powers.h"

__extension__ typedef unsigned __int128 u128;

typedef struct decimal {
    uint64_t digits; /* value = digits * 10^exponent */
    int exponent;
} decimal;

static const char two_digits[] =
    "000102030405060708091011121314151617181920212223242526272829303132333435363738394041424344454647484950515253545556575859"
    "60616263646566676869707172737475767778798081828384858687888990919293949596979899";

static const uint64_t tens[] = {1ULL,
                                10ULL,
                                100ULL,
                                1000ULL,
                                10000ULL,
                                100000ULL,
                                1000000ULL,
                                10000000ULL,
                                100000000ULL,
                                1000000000ULL,
                                10000000000ULL,
                                100000000000ULL,
                                1000000000000ULL,
                                10000000000000ULL,
                                100000000000000ULL,
                                1000000000000000ULL,
                                10000000000000000ULL,
                                100000000000000000ULL,
                                1000000000000000000ULL,
                                10000000000000000000ULL};

/* Decimal digits of n; 1 for 0. */
static int count_digits(uint64_t n)
{
    int bits = 64 - __builtin_clzll(n | 1);
    int guess = bits * 1233 >> 12; /* log10(2) = 1233 / 4096, good for 64 bits */
    return guess + (guess == 0 || n >= tens[guess]);
}

/* The same for n in 1 .. 2^32 - 1, by one addition: the digits that the power of two below has stand in the high half, and where a
 * power of ten lies between, the sum carries from there on (D. Lemire and K. Willets, 2021). */
static inline int count_digits_32(uint32_t n)
{
    static const uint64_t table[] = {
        0x100000000ULL, 0x100000000ULL, 0x100000000ULL, 0x1fffffff6ULL, 0x200000000ULL, 0x200000000ULL, 0x2ffffff9cULL, 0x300000000ULL,
        0x300000000ULL, 0x3fffffc18ULL, 0x400000000ULL, 0x400000000ULL, 0x400000000ULL, 0x4ffffd8f0ULL, 0x500000000ULL, 0x500000000ULL,
        0x5fffe7960ULL, 0x600000000ULL, 0x600000000ULL, 0x6fff0bdc0ULL, 0x700000000ULL, 0x700000000ULL, 0x700000000ULL, 0x7ff676980ULL,
        0x800000000ULL, 0x800000000ULL, 0x8fa0a1f00ULL, 0x900000000ULL, 0x900000000ULL, 0x9c4653600ULL, 0xa00000000ULL, 0xa00000000ULL};
    return (int)((n + table[31 - __builtin_clz(n)]) >> 32);
}

/* The eight digits of n < 10^8. */
static void put_eight(char *to, uint32_t n)
{
    uint32_t high = n / 10000, low = n % 10000;
    memcpy(to, two_digits + 2 * (high / 100), 2);
    memcpy(to + 2, two_digits + 2 * (high % 100), 2);
    memcpy(to + 4, two_digits + 2 * (low / 100), 2);
    memcpy(to + 6, two_digits + 2 * (low % 100), 2);
}

/* The `count` digits of n. */
static void put_digits(char *to, uint64_t n, int count)
{
    while (count > 8) {
        count -= 8;
        put_eight(to + count, (uint32_t)(n % 100000000));
        n /= 100000000;
    }
    uint32_t rest = (uint32_t)n;
    while (count >= 2) {
        count -= 2;
        memcpy(to + count, two_digits + 2 * (rest % 100), 2);
        rest /= 100;
    }
    if (count) to[0] = (char)('0' + rest);
}

size_t shf_print_u64(char *to, uint64_t value)
{
    int count = count_digits(value);
    put_digits(to, value, count);
    return (size_t)count;
}

size_t shf_print_i64(char *to, int64_t value)
{
    *to = '-';
    size_t sign = value < 0;
    return sign + shf_print_u64(to + sign, sign ? 0 - (uint64_t)value : (uint64_t)value);
}

/* floor(log2(10^e)) for |e| <= 1233. */
static int floor_log2_pow10(int e)
{
    return (e * 1741647) >> 19;
}

/* floor(log10(2^q)), and with `closer` floor(log10(3/4 * 2^q)), for |q| <= 1500. */
static int floor_log10_pow2(int q, bool closer)
{
    return (q * 1262611 - (closer ? 524031 : 0)) >> 22;
}

/* The high part of g * c, its last bit set when anything lies below ("round to odd"). */
static uint64_t round_to_odd_f64(u128 g, uint64_t c)
{
    u128 low = (u128)(uint64_t)g * c;
    u128 high = (u128)(uint64_t)(g >> 64) * c + (uint64_t)(low >> 64);
    return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* c < 2^30 */
static inline uint32_t round_to_odd_f32(uint64_t g, uint32_t c)
{
    uint64_t upper = (g >> 32) * c + ((uint32_t)g * (uint64_t)c >> 32); /* the product without its lowest 32 bits */
    return (uint32_t)(upper >> 32) | ((uint32_t)upper > 1);
}

/* Chooses the decimal from the rounding interval: [lower, upper] and vb are four times the scaled values. Without branches, since
 * which way it goes is as good as random. */
static inline decimal choose(uint64_t lower, uint64_t vb, uint64_t upper, int k)
{
    uint64_t s = vb / 4, tenth = s / 10, middle = 4 * s + 2;
    uint64_t down10 = lower <= 40 * tenth, up10 = 40 * tenth + 40 <= upper;
    uint64_t down = lower <= 4 * s, up = 4 * s + 4 <= upper;
    uint64_t shorter = (down10 ^ up10) & (s >= 10);
    uint64_t nearer = (vb > middle) | ((vb == middle) & s & 1);
    uint64_t one = down ^ up; /* just one of s and s + 1 lies inside */
    uint64_t full = s + ((up & one) | (nearer & ~one & 1)), brief = tenth + up10;
    return (decimal){full ^ ((full ^ brief) & (0 - shorter)), k + (int)shorter};
}

static decimal shortest_f64(uint64_t mantissa, int biased)
{
    uint64_t c = biased ? mantissa | (1ULL << 52) : mantissa;
    int q = (biased ? biased : 1) - 1075;
    bool odd = c & 1, closer = mantissa == 0 && biased > 1;
    int k = floor_log10_pow2(q, closer);
    int h = q + floor_log2_pow10(-k) + 1;
    const uint64_t *power = shf_powers[-k - SHF_POWER_MIN];
    u128 g = ((u128)power[0] << 64 | power[1]) + ((unsigned)(k + 55) > 55); /* rounded up where it is not exact */
    uint64_t lower = round_to_odd_f64(g, (4 * c - 2 + closer) << h);
    uint64_t vb = round_to_odd_f64(g, (4 * c) << h);
    uint64_t upper = round_to_odd_f64(g, (4 * c + 2) << h);
    return choose(lower + odd, vb, upper - odd, k);
}

static inline decimal shortest_f32(uint32_t mantissa, int biased)
{
    uint32_t c = biased ? mantissa | (1U << 23) : mantissa;
    int q = (biased ? biased : 1) - 150;
    bool odd = c & 1, closer = mantissa == 0 && biased > 1;
    int k = floor_log10_pow2(q, closer);
    int h = q + floor_log2_pow10(-k) + 1;
    uint64_t g = shf_powers[-k - SHF_POWER_MIN][0] + ((unsigned)(k + 27) > 27); /* exact for k = -27 .. 0 */
    uint32_t middle = 4 * c << h, half = 2U << h;
    uint32_t lower = round_to_odd_f32(g, middle - (closer ? half / 2 : half));
    uint32_t upper = round_to_odd_f32(g, middle + half);
    return choose(lower + odd, round_to_odd_f32(g, middle), upper - odd, k);
}

static char *put_exponent(char *to, int exponent)
{
    *to++ = 'e';
    *to++ = exponent < 0 ? '-' : '+';
    unsigned n = (unsigned)(exponent < 0 ? -exponent : exponent);
    if (n >= 100) *to++ = (char)('0' + n / 100);
    memcpy(to, two_digits + 2 * (n % 100), 2);
    return to + 2;
}

/* The eight digits of n < 10^8 as bytes 0 to 9, the first in the lowest. */
static inline uint64_t eight_bytes(uint32_t n)
{
    uint64_t v = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t high = (v * 10486 >> 20) & 0x0000007f0000007fULL; /* each half / 100 */
    v = high | (v - high * 100) << 16;
    high = (v * 103 >> 10) & 0x000f000f000f000fULL; /* each quarter / 10 */
    return high | (v - high * 10) << 8;
}

/* Bytes up to the last that is not zero. */
static inline int used_bytes(uint64_t v)
{
    return v ? 8 - (__builtin_clzll(v) >> 3) : 0;
}

static inline void put_bytes(char *to, uint64_t v)
{
    v |= 0x3030303030303030ULL; /* ASCII */
    memcpy(to, &v, sizeof v);
}

/* 1.2345e+67, the digits from the second on being in place from to + 2. */
static size_t finish_exponent(char *to, char first, int used, int point)
{
    to[0] = first;
    to[1] = '.';
    return (size_t)(put_exponent(to + (used > 1 ? used + 1 : 1), point - 1) - to);
}

/* Lay out digits * 10^exponent, digits != 0: scaled to 9 or 17 digits, of which the trailing zeros are then dropped. Everything
 * beyond the length is overwritten freely within SHF_NUMBER_ROOM; shifts in registers save loads of bytes just stored. */
static size_t lay_out_9(char *to, decimal d)
{
    int count = count_digits_32((uint32_t)d.digits), point = count + d.exponent; /* the decimal point lies after this many digits */
    uint32_t nine = (uint32_t)(d.digits * tens[9 - count]);
    char first = (char)('0' + nine / 100000000);
    uint64_t rest = eight_bytes(nine % 100000000);
    int used = 1 + used_bytes(rest);
    if (point > 16 || point <= -4) {
        put_bytes(to + 2, rest);
        return finish_exponent(to, first, used, point);
    }
    if (point <= 0) {
        memcpy(to, "0.000000", 8);
        to[2 - point] = first;
        put_bytes(to + 3 - point, rest);
        return (size_t)used + (size_t)(2 - point);
    }
    to[0] = first;
    put_bytes(to + 1, rest);
    if (used <= point) {
        put_bytes(to + 9, 0);
        return (size_t)point;
    }
    put_bytes(to + point + 1, rest >> 8 * (point - 1));
    to[point] = '.';
    return (size_t)used + 1;
}

static size_t lay_out_17(char *to, decimal d)
{
    int count = count_digits(d.digits), point = count + d.exponent;
    uint64_t all = d.digits * tens[17 - count];
    char first = (char)('0' + all / 10000000000000000ULL);
    uint64_t sixteen = all % 10000000000000000ULL;
    uint64_t high = eight_bytes((uint32_t)(sixteen / 100000000)), low = eight_bytes((uint32_t)(sixteen % 100000000));
    int used = low ? 9 + used_bytes(low) : 1 + used_bytes(high);
    if (point > 16 || point <= -4) {
        put_bytes(to + 2, high);
        put_bytes(to + 10, low);
        return finish_exponent(to, first, used, point);
    }
    if (point <= 0) {
        memcpy(to, "0.000000", 8);
        to[2 - point] = first;
        put_bytes(to + 3 - point, high);
        put_bytes(to + 11 - point, low);
        return (size_t)used + (size_t)(2 - point);
    }
    to[0] = first;
    put_bytes(to + 1, high);
    put_bytes(to + 9, low);
    if (used <= point) return (size_t)point;
    if (point <= 8) {
        put_bytes(to + point + 1, high >> 8 * (point - 1));
        put_bytes(to + 10, low);
    } else {
        put_bytes(to + point + 1, low >> 8 * (point - 9));
    }
    to[point] = '.';
    return (size_t)used + 1;
}

/* "inf", "-inf", "nan"; the sign has been written. */
static size_t put_special(char *to, size_t sign, bool is_nan)
{
    memcpy(to + (is_nan ? 0 : sign), is_nan ? "nan" : "inf", 3);
    return is_nan ? 3 : sign + 3;
}

size_t shf_print_f64(char *to, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t sign = bits >> 63;
    int biased = (int)(bits >> 52 & 0x7ff);
    uint64_t mantissa = bits & ((1ULL << 52) - 1);
    *to = '-';
    if (biased == 0x7ff) return put_special(to, sign, mantissa != 0);
    to += sign;
    int shift = 1075 - biased; /* value = (2^52 + mantissa) / 2^shift */
    if (shift >= 0 && shift <= 52) {
        uint64_t c = mantissa | 1ULL << 52;
        if ((c & ((1ULL << shift) - 1)) == 0) return sign + shf_print_u64(to, c >> shift);
    } else if ((bits << 1) == 0) {
        *to = '0';
        return sign + 1;
    }
    return sign + lay_out_17(to, shortest_f64(mantissa, biased));
}

size_t shf_print_f32(char *to, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    size_t sign = bits >> 31;
    int biased = (int)(bits >> 23 & 0xff);
    uint32_t mantissa = bits & ((1U << 23) - 1);
    *to = '-';
    if (biased == 0xff) return put_special(to, sign, mantissa != 0);
    to += sign;
    int shift = 150 - biased;
    if (shift >= 0 && shift <= 23) {
        uint32_t c = mantissa | 1U << 23;
        if ((c & ((1U << shift) - 1)) == 0) return sign + shf_print_u64(to, c >> shift);
    } else if ((bits << 1) == 0) {
        *to = '0';
        return sign + 1;
    }
    return sign + lay_out_9(to, shortest_f32(mantissa, biased));
}

/* fraction * 10^decimals for 0 <= fraction < 1, rounded half to even; `odd` is the parity that decides a tie when decimals = 0. */
static uint64_t scale_fraction(double fraction, int decimals, bool odd)
{
    uint64_t bits;
    memcpy(&bits, &fraction, sizeof bits);
    int biased = (int)(bits >> 52);
    uint64_t c = bits & ((1ULL << 52) - 1);
    if (biased) c |= 1ULL << 52;
    int shift = 1075 - (biased ? biased : 1); /* fraction = c / 2^shift, shift >= 53 */
    u128 product = (u128)c * tens[decimals];  /* < 2^53 * 2^60 */
    if (shift > 120) return 0;                /* less than half a unit */
    u128 whole = product >> shift, rest = product - (whole << shift), half = (u128)1 << (shift - 1);
    uint64_t result = (uint64_t)whole;
    bool last_odd = decimals ? (result & 1) : odd;
    return result + (rest > half || (rest == half && last_odd));
}

size_t shf_print_fixed(char *to, double value, int decimals)
{
    decimals = decimals < 0 ? 0 : decimals > SHF_DECIMALS_MAX ? SHF_DECIMALS_MAX : decimals;
    size_t sign = __builtin_signbit(value) != 0, n = sign;
    *to = '-';
    double positive = sign ? -value : value;
    if (!(positive <= 1.7976931348623157e308)) return put_special(to, sign, value != value);
    uint64_t fraction = 0;
    if (positive < 9007199254740992.0) {
        uint64_t whole = (uint64_t)positive;
        fraction = scale_fraction(positive - (double)whole, decimals, whole & 1);
        if (fraction >= tens[decimals]) {
            fraction -= tens[decimals];
            whole++;
        }
        n += shf_print_u64(to + n, whole);
    } else { /* a whole number: no radix character of the locale can appear */
        n += (size_t)snprintf(to + n, SHF_FIXED_ROOM - n, "%.0f", positive);
    }
    if (decimals == 0) return n;
    to[n++] = '.';
    put_digits(to + n, fraction, decimals);
    return n + (size_t)decimals;
}
