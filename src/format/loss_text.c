// SPDX-License-Identifier: Apache-2.0
#include "format/loss_text.h"

#include <stdio.h>
#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/checked.h"
#include "format/loss_stream.h"
#include "format/number.h"

static const double power10[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
static const uint32_t upower10[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* The eight decimal digits of n < 10^8, one a byte, the first one lowest. */
static inline uint64_t eight_digits(uint32_t n)
{
    uint64_t v = n / 10000 | (uint64_t)(n % 10000) << 32;
    uint64_t hundreds = ((v * 10486) >> 20) & 0x0000007f0000007full;
    v = hundreds | (v - 100 * hundreds) << 16;
    uint64_t tens = ((v * 103) >> 10) & 0x000f000f000f000full;
    return tens | (v - 10 * tens) << 8;
}

/* The four of n < 10^4. */
static inline uint32_t four_digits(uint32_t n)
{
    uint32_t hundreds = (n * 10486) >> 20, v = hundreds | (n - 100 * hundreds) << 16;
    uint32_t tens = ((v * 103) >> 10) & 0x000f000fu;
    return tens | (v - 10 * tens) << 8;
}

/* Of two numbers at once. */
static inline void eight_digits_of_two(uint32_t a, uint32_t b, uint64_t *of_a, uint64_t *of_b)
{
#if defined(__SSE2__)
    __m128i n = _mm_unpacklo_epi64(_mm_cvtsi32_si128((int)a), _mm_cvtsi32_si128((int)b));
    __m128i high = _mm_srli_epi64(_mm_mul_epu32(n, _mm_set1_epi64x(3518437209)), 45); /* n / 10000 */
    __m128i v = _mm_or_si128(high, _mm_slli_epi64(_mm_sub_epi32(n, _mm_mul_epu32(high, _mm_set1_epi64x(10000))), 32));
    high = _mm_srli_epi16(_mm_mulhi_epu16(v, _mm_set1_epi16(10486)), 4); /* each half / 100 */
    v = _mm_or_si128(high, _mm_slli_epi32(_mm_sub_epi16(v, _mm_mullo_epi16(high, _mm_set1_epi16(100))), 16));
    high = _mm_mulhi_epu16(v, _mm_set1_epi16(6554)); /* each quarter / 10 */
    v = _mm_or_si128(high, _mm_slli_epi16(_mm_sub_epi16(v, _mm_mullo_epi16(high, _mm_set1_epi16(10))), 8));
    _mm_storel_epi64((__m128i *)(void *)of_a, v);
    _mm_storel_epi64((__m128i *)(void *)of_b, _mm_unpackhi_epi64(v, v));
#else
    *of_a = eight_digits(a);
    *of_b = eight_digits(b);
#endif
}

#define ZEROS 0x3030303030303030ull

/* The eight digits of a number without its leading zeros; writes 8 bytes. */
static inline char *put_small_digits(char *to, uint64_t digits)
{
    unsigned leading = (unsigned)__builtin_ctzll(digits | 1ull << 63) / 8;
    digits = (digits | ZEROS) >> (8 * leading);
    memcpy(to, &digits, 8);
    return to + 8 - leading;
}

/* n < 10^8 without leading zeros; writes 8 bytes. */
static inline char *put_small(char *to, uint32_t n)
{
    return put_small_digits(to, eight_digits(n));
}

/* A point and the first `places` (0 to 8) of eight decimals, trailing zeros left out when `strip`; nothing when none is left. Writes 9 bytes. */
static inline char *put_fraction(char *to, uint64_t digits, unsigned places, bool strip)
{
    uint64_t text = digits | ZEROS;
    *to = '.';
    memcpy(to + 1, &text, 8);
    if (!strip) return to + 1 + places;
    unsigned kept = 9 - (unsigned)__builtin_clzll(digits | 1) / 8;
    return to + (kept & (0u - (digits != 0)));
}

/* Decimals that an f32 of exponent 2^q has at least one candidate in: -floor(log10(2^q)). */
static inline unsigned places_of(int q)
{
    return (unsigned)-((q * 1233) >> 12);
}

/* 2^(q - 1). */
static inline double half_ulp(int q)
{
    uint64_t bits = (uint64_t)(q - 1 + 1023) << 52;
    double power;
    memcpy(&power, &bits, 8);
    return power;
}

/* Half to even; |x| < 2^51. */
static inline double round_even(double x)
{
    return x + 0x1.8p52 - 0x1.8p52;
}

/* Shortest text of 0.125 <= x < 2^24 that is no power of two. The f64 arithmetic is exact (x * 10^places has at most 24 + 19 bits) but for the
 * guess of the nearest multiple of ten, which only goes wrong where both are too far away. There is no branch on the digits. Whole numbers of this range are f32
 * themselves, so the text begins with the integer part of x. */
static inline char *put_plain(char *to, uint32_t bits)
{
    int q = (int)(bits >> 23) - 150;
    unsigned places = places_of(q);
    float x;
    memcpy(&x, &bits, 4);
    double scaled = (double)x * power10[places], half = power10[places] * half_ulp(q);
    double ten = round_even(scaled * 0.1) * 10.0, one = round_even(scaled);
    double away = __builtin_fabs(ten - scaled);
    uint32_t use_ten = (uint32_t)(away < half) | ((uint32_t)(away == half) & ~bits & 1);
    uint32_t with_one = (uint32_t)(int64_t)one, with_ten = (uint32_t)(int64_t)ten, integer = (uint32_t)(int64_t)x;
    uint32_t digits = with_one + ((with_ten - with_one) & (0 - use_ten));
    uint64_t before, behind;
    eight_digits_of_two(integer, (digits - integer * upower10[places]) * upower10[8 - places], &before, &behind);
    return put_fraction(put_small_digits(to, before), behind, places, true);
}

static char *put_odd(char *to, uint32_t bits)
{
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u && bits != 0x7fc00000u) return to + snprintf(to, SHF_LOSS_NUMBER_ROOM, "nan(0x%08x)", bits);
    float value;
    memcpy(&value, &bits, 4);
    return to + shf_print_f32(to, value);
}

static inline char *put_bits(char *to, uint32_t bits)
{
    if (bits == 0) {
        *to = '0';
        return to + 1;
    }
    /* 0.125 to 2^24 */
    if (bits - 0x3e000000u < 0x4b800000u - 0x3e000000u && (bits & 0x7fffffu)) return put_plain(to, bits);
    return put_odd(to, bits);
}

size_t shf_loss_print_bits(char *to, uint32_t bits)
{
    return (size_t)(put_bits(to, bits) - to);
}

static inline char *put_fixed(char *to, uint32_t bits, int decimals)
{
    float value;
    memcpy(&value, &bits, 4);
    uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude >= 0x4b800000u || decimals < 1 || decimals > 8) {
        if (magnitude >= 0x7f800000u) return put_odd(to, bits);
        return to + shf_print_fixed(to, (double)value, decimals);
    }
    double scaled = (double)value * power10[decimals]; /* exact for |value| < 2^24: 24 + 19 bits */
    if (bits >> 31) {
        *to++ = '-';
        scaled = -scaled;
    }
    uint64_t whole = (uint64_t)(int64_t)round_even(scaled);
    uint32_t unit = upower10[decimals], integer = (uint32_t)(whole / unit);
    uint64_t before, behind;
    eight_digits_of_two(integer, (uint32_t)(whole - (uint64_t)integer * unit) * upower10[8 - decimals], &before, &behind);
    return put_fraction(put_small_digits(to, before), behind, (unsigned)decimals, false);
}

size_t shf_loss_print_fixed(char *to, uint32_t bits, int decimals)
{
    return (size_t)(put_fixed(to, bits, decimals) - to);
}

static inline char *put_i32(char *to, int32_t value)
{
    uint32_t n = (uint32_t)value;
    if (value < 0) {
        *to++ = '-';
        n = 0 - n;
    }
    if (n < 100000000) return put_small(to, n);
    to = put_small(to, n / 100000000);
    uint64_t low = eight_digits(n % 100000000) | ZEROS;
    memcpy(to, &low, 8);
    return to + 8;
}

size_t shf_loss_print_i32(char *to, int32_t value)
{
    return (size_t)(put_i32(to, value) - to);
}

/* The text of the sidx printed last: the next one mostly is one more. */
typedef struct counter {
    uint64_t text; /* up to 8 digits, the first one lowest */
    unsigned n;    /* 0: none */
    int32_t value;
} counter;

static inline char *put_counted(char *to, counter *c, int32_t sidx)
{
    unsigned last = 8 * (c->n - 1);
    if (c->n && sidx == c->value + 1 && ((c->text >> last) & 0xff) != '9') {
        c->text += 1ull << last;
    } else if (sidx > 0 && sidx < 10000) {
        uint32_t digits = four_digits((uint32_t)sidx);
        unsigned leading = (unsigned)__builtin_ctz(digits) / 8;
        c->text = (digits | (uint32_t)ZEROS) >> (8 * leading);
        c->n = 4 - leading;
    } else if (sidx > 0 && sidx < 99999999) {
        uint64_t digits = eight_digits((uint32_t)sidx);
        unsigned leading = (unsigned)__builtin_ctzll(digits) / 8;
        c->text = (digits | ZEROS) >> (8 * leading);
        c->n = 8 - leading;
    } else {
        c->n = 0;
        return put_i32(to, sidx);
    }
    c->value = sidx;
    memcpy(to, &c->text, 8);
    return to + c->n;
}

char *shf_loss_print_pairs(char *to, const uint8_t *pairs, size_t n, const char *prefix, size_t prefix_n, const char *suffix,
                           size_t suffix_n, int decimals)
{
    counter c = {0, 0, 0};
    for (size_t i = 0; i < n; i++) {
        memcpy(to, prefix, 32);
        to = put_counted(to + prefix_n, &c, shf_get_i32(pairs + i * 8));
        *to++ = ',';
        uint32_t bits = shf_get_u32(pairs + i * 8 + 4);
        to = decimals < 0 ? put_bits(to, bits) : put_fixed(to, bits, decimals);
        if (suffix_n > 1) memcpy(to, suffix, 32);
        else *to = *suffix;
        to += suffix_n;
    }
    return to;
}

const char *shf_loss_read_i32(const char *p, const char *end, int32_t *value)
{
    const char *begin = p;
    bool negative = p < end && *p == '-';
    p += negative;
    uint64_t n = 0;
    const char *digits = p;
    while (p < end && (unsigned char)(*p - '0') < 10 && p - digits < 11) n = n * 10 + (uint64_t)(*p++ - '0');
    if (p == digits || n > (uint64_t)INT32_MAX + negative) return NULL;
    *value = (int32_t)(negative ? 0 - (uint32_t)n : (uint32_t)n);
    return p == begin ? NULL : p;
}

/* nan(0x........) */
static const char *read_nan_bits(const char *p, const char *end, uint32_t *bits)
{
    if (end - p < 15 || memcmp(p, "nan(0x", 6) != 0 || p[14] != ')') return NULL;
    uint32_t value = 0;
    for (size_t i = 6; i < 14; i++) {
        unsigned c = (unsigned char)p[i];
        unsigned digit = c - '0' < 10u ? c - '0' : (c | 32u) - 'a' < 6u ? (c | 32u) - 'a' + 10u : 16u;
        if (digit > 15) return NULL;
        value = value << 4 | digit;
    }
    if ((value & 0x7fffffffu) <= 0x7f800000u) return NULL;
    *bits = value;
    return p + 15;
}

static const char *read_odd(const char *p, const char *end, uint32_t *bits)
{
    const char *stop = read_nan_bits(p, end, bits);
    if (stop) return stop;
    float value;
    stop = shf_parse_f32(p, end, &value);
    if (stop == p) return NULL;
    memcpy(bits, &value, 4);
    if ((*bits & 0x7fffffffu) > 0x7f800000u) *bits = 0x7fc00000u;
    return stop;
}

const char *shf_loss_read_bits(const char *begin, const char *end, uint32_t *bits)
{
    const char *p = begin;
    uint64_t digits = 0;
    while (p < end && (unsigned char)(*p - '0') < 10) digits = digits * 10 + (uint64_t)(*p++ - '0');
    size_t n_digits = (size_t)(p - begin), places = 0;
    if (p < end && *p == '.') {
        const char *point = ++p;
        while (p < end && (unsigned char)(*p - '0') < 10) digits = digits * 10 + (uint64_t)(*p++ - '0');
        places = (size_t)(p - point);
        n_digits += places;
    }
    if (n_digits == 0 || n_digits > 15 || (p < end && (*p == 'e' || *p == 'E'))) return read_odd(begin, end, bits);
    double value = (double)digits / power10[places]; /* correctly rounded: both are exact */
    uint64_t wide;
    memcpy(&wide, &value, 8);
    /* Rounding twice is safe unless the f64 lies at the middle of two f32, or below their normal range. */
    if ((wide & 0x1fffffffu) == 0x10000000u || (digits && value < 0x1p-125)) return read_odd(begin, end, bits);
    float narrow = (float)value;
    memcpy(bits, &narrow, 4);
    return p;
}

#if defined(__SSE2__)
/* The first n (0 to 8) of eight characters as a number. */
static inline uint32_t read_digits(const char *p, unsigned n)
{
    uint64_t v = shf_get_u64(p) & 0x0f0f0f0f0f0f0f0full;
    v = v << (4 * (8 - n)) << (4 * (8 - n));
    v = (v * 10 + (v >> 8)) & 0x00ff00ff00ff00ffull;
    v = (v * 100 + (v >> 16)) & 0x0000ffff0000ffffull;
    return (uint32_t)v * 10000 + (uint32_t)(v >> 32);
}

/* How many digits there are at p; 16 characters are looked at. */
static inline unsigned digit_mask(const char *p)
{
    __m128i v = _mm_sub_epi8(_mm_loadu_si128((const __m128i *)(const void *)p), _mm_set1_epi8('0'));
    return (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(9)), v));
}

static inline bool same_prefix(const char *p, const char *prefix, size_t n)
{
    const __m128i *a = (const __m128i *)(const void *)p, *b = (const __m128i *)(const void *)prefix;
    unsigned low = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a), _mm_loadu_si128(b)));
    unsigned high = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128(a + 1), _mm_loadu_si128(b + 1)));
    return (~(low | high << 16) & ((1u << n) - 1)) == 0;
}

const char *shf_loss_read_line(const char *p, const char *end, const char *prefix, size_t prefix_n, int32_t *sidx, uint32_t *bits)
{
    if (end - p < 96 || !same_prefix(p, prefix, prefix_n)) return NULL;
    p += prefix_n;
    unsigned n = (unsigned)__builtin_ctz(~digit_mask(p));
    if (n - 1 > 7 || p[n] != ',') return NULL;
    *sidx = (int32_t)read_digits(p, n);
    p += n + 1;
    unsigned mask = digit_mask(p), whole = (unsigned)__builtin_ctz(~mask), point = p[whole] == '.';
    unsigned places = point ? (unsigned)__builtin_ctz(~(mask >> (whole + 1))) : 0;
    if (whole - 1 > 7 || places > 7 || whole + places > 14) return NULL;
    const char *stop = p + whole + point + places;
    if (*stop != '\n') return NULL;
    uint64_t digits = (uint64_t)read_digits(p, whole) * upower10[places] + read_digits(p + whole + 1, places);
    double value = (double)digits / power10[places];
    uint64_t wide;
    memcpy(&wide, &value, 8);
    if ((wide & 0x1fffffffu) == 0x10000000u) return NULL; /* as in shf_loss_read_bits; too small it cannot be */
    float narrow = (float)value;
    memcpy(bits, &narrow, 4);
    return stop + 1;
}
#else
const char *shf_loss_read_line(const char *p, const char *end, const char *prefix, size_t prefix_n, int32_t *sidx, uint32_t *bits)
{
    (void)p, (void)end, (void)prefix, (void)prefix_n, (void)sidx, (void)bits;
    return NULL;
}
#endif
