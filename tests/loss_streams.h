// SPDX-License-Identifier: Apache-2.0
/* Small loss streams for tests. */
#ifndef TESTS_LOSS_STREAMS_H
#define TESTS_LOSS_STREAMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef struct stream {
    uint8_t bytes[8192];
    size_t n;
} stream;

static inline void put_u32(stream *s, uint32_t v)
{
    memcpy(s->bytes + s->n, &v, 4);
    s->n += 4;
}
static inline void put_f32(stream *s, float v)
{
    memcpy(s->bytes + s->n, &v, 4);
    s->n += 4;
}
static inline void put_head(stream *s, uint32_t word, int32_t samples)
{
    s->n = 0;
    put_u32(s, word);
    put_u32(s, (uint32_t)samples);
    if (word >> 24 == 3) put_u32(s, 7);
}
static inline void put_packet(stream *s, int32_t event, int32_t item)
{
    uint32_t word;
    memcpy(&word, s->bytes, 4);
    put_u32(s, (uint32_t)event);
    put_u32(s, (uint32_t)item);
    if (word >> 24 == 3) put_f32(s, 1000.5f);
}
static inline void put_pair(stream *s, int32_t sidx, float loss)
{
    put_u32(s, (uint32_t)sidx);
    put_f32(s, loss);
}
static inline void put_bits(stream *s, int32_t sidx, uint32_t bits)
{
    put_u32(s, (uint32_t)sidx);
    put_u32(s, bits);
}

/* Everything that a real stream and a hostile one may hold; the last delimiter is left out. */
static inline void put_zoo(stream *s, uint32_t word)
{
    put_head(s, word, 12);
    put_packet(s, 0, 0); /* event 0, item 0 */
    for (int32_t i = -5; i <= -1; i++) put_pair(s, i, (float)(10 - i));
    for (int32_t i = 1; i <= 12; i++) put_pair(s, i, i % 3 ? 0.1f * (float)i : 0);
    put_pair(s, 0, 0);
    put_packet(s, 0, 5); /* no samples */
    put_pair(s, 0, 0);
    put_packet(s, 1, 5); /* odd losses, bytes beside the delimiter */
    put_bits(s, 1, 0x7fc00000u);
    put_bits(s, 2, 0xffc12345u);
    put_bits(s, 3, 0x80000000u);
    put_pair(s, 4, -2.5f);
    put_bits(s, 5, 0x7f800000u);
    put_bits(s, 6, 0x00000001u);
    put_bits(s, 7, 0xff800000u);
    put_bits(s, 0, 0xdeadbeefu);
    put_packet(s, 1, -7); /* unordered, -6, above S */
    put_pair(s, 3, 3);
    put_pair(s, -6, 6);
    put_pair(s, -1, 1.5f);
    put_pair(s, -4, 0.25f);
    put_pair(s, 40, 4);
    put_pair(s, 1, 0);
    put_pair(s, 2, 2);
    put_pair(s, 0, 0);
    put_packet(s, 1, -7); /* the item again */
    put_pair(s, 2147483647, 1);
    put_pair(s, 0, 0);
    put_packet(s, 0, 9); /* the event comes back */
    put_pair(s, -1, 8);
    for (int32_t i = 1; i <= 9; i++) put_pair(s, i, (float)i);
}

#endif
