// SPDX-License-Identifier: Apache-2.0
/* Text to numbers: w * 10^q is scanned, then rounded exactly by the cheapest of three ways. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/number.h"
#include "format/number_powers.h"

__extension__ typedef unsigned __int128 u128;

/* Digits that decide any f64: halfway points have at most 767 of them. */
#define DECIDING_DIGITS 768

typedef struct scanned {
    uint64_t w; /* the first 19 significant digits at most */
    int64_t q;  /* value = w * 10^q, or more when cut */
    bool negative;
    bool cut;                        /* non-zero digits may lie beyond w */
    const char *digits, *digits_end; /* mantissa with its point */
    int64_t exponent;                /* as written after the e */
} scanned;

/* What differs between f64 and f32 (Lemire 2021, table 2 and section 8). */
typedef struct target {
    int mantissa_bits, least_exponent, infinite_power;
    int even_min, even_max; /* powers of ten at which a tie can occur */
    int power_min, power_max;
} target;

static const target f64_target = {52, -1023, 0x7ff, -4, 23, -342, 308};
static const target f32_target = {23, -127, 0xff, -17, 10, -64, 38};

static inline bool is_digit(char c)
{
    return (unsigned)(c - '0') < 10;
}

static inline bool eight_digits(uint64_t v)
{
    return (((v + 0x4646464646464646ULL) | (v - 0x3030303030303030ULL)) & 0x8080808080808080ULL) == 0;
}

/* The number that eight ASCII digits stand for, the first in the lowest byte. */
static inline uint32_t eight_value(uint64_t v)
{
    v -= 0x3030303030303030ULL;
    v = v * 10 + (v >> 8);
    const uint64_t mask = 0x000000ff000000ffULL;
    return (uint32_t)((((v & mask) * 0x000f424000000064ULL) + (((v >> 16) & mask) * 0x0000271000000001ULL)) >> 32);
}

/* Reads digits on top of *w, wrapping around when there are too many. */
static inline const char *scan_digits(const char *p, const char *end, uint64_t *w)
{
    uint64_t n = *w, v;
    while (end - p >= 8) {
        memcpy(&v, p, 8);
        if (!eight_digits(v)) break;
        n = n * 100000000 + eight_value(v);
        p += 8;
    }
    for (; p < end && is_digit(*p); p++) n = n * 10 + (uint64_t)(*p - '0');
    *w = n;
    return p;
}

/* The exponent after the mantissa, when there is a whole one. */
static const char *scan_exponent(const char *p, const char *end, int64_t *exponent)
{
    if (p == end || (*p | 0x20) != 'e') return p;
    const char *e = p + 1;
    bool negative = e < end && *e == '-';
    if (e < end && (*e == '-' || *e == '+')) e++;
    if (e == end || !is_digit(*e)) return p;
    int64_t n = 0;
    for (; e < end && is_digit(*e); e++) {
        if (n < INT64_C(1000000000000000)) n = n * 10 + (*e - '0'); /* saturates far beyond any text's length */
    }
    *exponent = negative ? -n : n;
    return e;
}

/* More than 19 digits: w again, from the first 19 significant ones; true when digits were left out. */
static bool rescan_long(scanned *s)
{
    const char *p = s->digits;
    while (p < s->digits_end && (*p == '0' || *p == '.')) p++;
    uint64_t w = 0;
    int taken = 0;
    int64_t left_out = 0, q = 0;
    const char *point = memchr(s->digits, '.', (size_t)(s->digits_end - s->digits));
    for (; p < s->digits_end; p++) {
        if (*p == '.') continue;
        if (taken < 19) {
            w = w * 10 + (uint64_t)(*p - '0');
            taken++;
            if (point && p > point) q = -(p - point);
        } else if (!point || p < point) {
            left_out++;
        }
    }
    bool cut = taken == 19;
    s->w = w;
    s->q = q + left_out + s->exponent;
    return cut;
}

/* Where the number ends, or NULL when there is none. */
static inline const char *scan(const char *begin, const char *end, scanned *s)
{
    const char *p = begin;
    s->negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    s->digits = p;
    s->w = 0;
    p = scan_digits(p, end, &s->w);
    int64_t count = p - s->digits;
    s->q = 0;
    if (p < end && *p == '.') {
        const char *fraction = ++p;
        p = scan_digits(p, end, &s->w);
        s->q = -(p - fraction);
        count += p - fraction;
    }
    if (count == 0) return NULL;
    s->digits_end = p;
    s->exponent = 0;
    p = scan_exponent(p, end, &s->exponent);
    s->q += s->exponent;
    s->cut = count > 19 && rescan_long(s);
    return p;
}

/* inf, infinity, nan: sets *kind to 'i' or 'n'; NULL when it is neither. */
static const char *scan_special(const char *begin, const char *end, char *kind, bool *negative)
{
    const char *p = begin;
    *negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    static const struct {
        const char *name;
        size_t size;
    } names[] = {{"infinity", 8}, {"inf", 3}, {"nan", 3}};
    for (size_t i = 0; i < 3; i++) {
        size_t n = 0;
        while (n < names[i].size && p + n < end && (p[n] | 0x20) == names[i].name[n]) n++;
        if (n < names[i].size) continue;
        *kind = names[i].name[0];
        return p + n;
    }
    return NULL;
}

/* The high 64 bits and the next 64 of w * 10^q, precise enough for the bits wanted. */
static u128 product(uint64_t w, int q, int bits)
{
    const uint64_t *power = shf_powers[q - SHF_POWER_MIN];
    bool up = q < 0 && q >= -27; /* the proof wants these rounded up */
    uint64_t low = power[1] + up, high = power[0] + (up && low == 0);
    u128 first = (u128)w * high;
    uint64_t mask = UINT64_MAX >> bits;
    if (((uint64_t)(first >> 64) & mask) == mask) first += (uint64_t)(((u128)w * low) >> 64);
    return first;
}

/* The IEEE bits (without sign) of w * 10^q, correctly rounded. */
static uint64_t round_binary(uint64_t w, int64_t power, const target *t)
{
    uint64_t infinity = (uint64_t)t->infinite_power << t->mantissa_bits;
    if (w == 0 || power < t->power_min) return 0;
    if (power > t->power_max) return infinity;
    int q = (int)power, zeros = __builtin_clzll(w);
    u128 p = product(w << zeros, q, t->mantissa_bits + 3);
    uint64_t high = (uint64_t)(p >> 64), low = (uint64_t)p;
    int upper = (int)(high >> 63), shift = upper + 64 - t->mantissa_bits - 3;
    uint64_t m = high >> shift;
    int e = ((217706 * q) >> 16) + 63 + upper - zeros - t->least_exponent;
    if (e <= 0) {
        if (1 - e >= 64) return 0;
        m >>= 1 - e;
        m += m & 1;
        return m >> 1; /* a carry into bit mantissa_bits makes the least normal number by itself */
    }
    if (low <= 1 && q >= t->even_min && q <= t->even_max && (m & 3) == 1 && m << shift == high) m &= ~1ULL;
    m += m & 1;
    m >>= 1;
    if (m >> (t->mantissa_bits + 1)) {
        m >>= 1;
        e++;
    }
    if (e >= t->infinite_power) return infinity;
    return (m & ((1ULL << t->mantissa_bits) - 1)) | (uint64_t)e << t->mantissa_bits;
}

/* The deciding digits as DIGITSeEXPONENT: no point, so that no locale matters to strtod. */
static void write_plain(char *to, size_t room, const scanned *s)
{
    const char *point = memchr(s->digits, '.', (size_t)(s->digits_end - s->digits));
    int64_t exponent = s->exponent - (point ? s->digits_end - point - 1 : 0);
    size_t n = 0;
    bool rest = false;
    for (const char *p = s->digits; p < s->digits_end; p++) {
        if (*p == '.' || (n == 0 && *p == '0')) continue;
        if (n < DECIDING_DIGITS) {
            to[n++] = *p;
        } else {
            rest |= *p != '0';
            exponent++;
        }
    }
    if (rest) {
        to[n++] = '1';
        exponent--;
    }
    exponent = exponent < -99999 ? -99999 : exponent > 99999 ? 99999 : exponent;
    snprintf(to + n, room - n, "e%lld", (long long)exponent);
}

static double slow_f64(const scanned *s)
{
    char text[DECIDING_DIGITS + 32];
    int saved = errno;
    write_plain(text, sizeof text, s);
    double value = strtod(text, NULL);
    errno = saved;
    return value;
}

static float slow_f32(const scanned *s)
{
    char text[DECIDING_DIGITS + 32];
    int saved = errno;
    write_plain(text, sizeof text, s);
    float value = strtof(text, NULL);
    errno = saved;
    return value;
}

static double decide_f64(const scanned *s)
{
    static const double exact[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                   1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    if (!s->cut && s->w <= 1ULL << 53 && s->q >= -22 && s->q <= 22) {
        double w = (double)s->w;
        return s->q < 0 ? w / exact[-s->q] : w * exact[s->q];
    }
    uint64_t bits = round_binary(s->w, s->q, &f64_target);
    if (s->cut && bits != round_binary(s->w + 1, s->q, &f64_target)) return slow_f64(s);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static float decide_f32(const scanned *s)
{
    static const float exact[] = {1e0F, 1e1F, 1e2F, 1e3F, 1e4F, 1e5F, 1e6F, 1e7F, 1e8F, 1e9F, 1e10F};
    if (!s->cut && s->w <= 1U << 24 && s->q >= -10 && s->q <= 10) {
        float w = (float)s->w;
        return s->q < 0 ? w / exact[-s->q] : w * exact[s->q];
    }
    uint64_t bits = round_binary(s->w, s->q, &f32_target);
    if (s->cut && bits != round_binary(s->w + 1, s->q, &f32_target)) return slow_f32(s);
    uint32_t narrow = (uint32_t)bits;
    float value;
    memcpy(&value, &narrow, sizeof value);
    return value;
}

const char *shf_parse_f64(const char *begin, const char *end, double *value)
{
    scanned s;
    const char *stop = scan(begin, end, &s);
    if (stop) {
        double positive = decide_f64(&s);
        *value = s.negative ? -positive : positive;
        return stop;
    }
    char kind;
    bool negative;
    stop = scan_special(begin, end, &kind, &negative);
    if (!stop) return begin;
    *value = kind == 'n' ? __builtin_nan("") : negative ? -__builtin_inf() : __builtin_inf();
    return stop;
}

const char *shf_parse_f32(const char *begin, const char *end, float *value)
{
    scanned s;
    const char *stop = scan(begin, end, &s);
    if (stop) {
        float positive = decide_f32(&s);
        *value = s.negative ? -positive : positive;
        return stop;
    }
    char kind;
    bool negative;
    stop = scan_special(begin, end, &kind, &negative);
    if (!stop) return begin;
    *value = kind == 'n' ? __builtin_nanf("") : negative ? -__builtin_inff() : __builtin_inff();
    return stop;
}

const char *shf_parse_i64(const char *begin, const char *end, int64_t *value)
{
    const char *p = begin;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) p++;
    const char *digits = p;
    uint64_t n = 0;
    for (; p < end && is_digit(*p); p++) {
        if (__builtin_mul_overflow(n, (uint64_t)10, &n) || __builtin_add_overflow(n, (uint64_t)(*p - '0'), &n)) return begin;
    }
    if (p == digits || n > (uint64_t)INT64_MAX + negative) return begin;
    *value = negative ? (int64_t)(0 - n) : (int64_t)n;
    return p;
}
