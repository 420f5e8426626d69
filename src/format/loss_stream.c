// SPDX-License-Identifier: Apache-2.0
#include "format/loss_stream.h"

#include <string.h>
#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/checked.h"

enum { AT_HEADER, AT_SET_ID, AT_PACKET, AT_PAIRS };

size_t shf_loss_header_write(const shf_loss_header *h, uint8_t *out)
{
    shf_set_u32(out, h->word);
    shf_set_u32(out + 4, (uint32_t)h->n_samples);
    if (!shf_loss_is_summary(h)) return 8;
    shf_set_u32(out + 8, (uint32_t)h->set_id);
    return 12;
}

sheaf_status shf_loss_header_agree(const shf_loss_header *a, const char *name_a, const shf_loss_header *b, const char *name_b,
                                   sheaf_error *err)
{
    if (a->word == b->word && a->n_samples == b->n_samples && a->set_id == b->set_id) return SHEAF_OK;
    return shf_fail(err, SHEAF_ERR_MISMATCH,
                    "%s is a stream %u/%u of %d samples, summary set %d, but %s is %u/%u of %d samples, summary set %d", name_a,
                    a->word >> 24, a->word & 0xffffffu, a->n_samples, a->set_id, name_b, b->word >> 24, b->word & 0xffffffu, b->n_samples,
                    b->set_id);
}

sheaf_status shf_loss_header_check(const shf_loss_header *h, sheaf_error *err)
{
    unsigned source = shf_loss_source(h), agg = h->word & 0xffffffu;
    if (source < SHF_LOSS_SOURCE_GUL || source > SHF_LOSS_SOURCE_SUMMARY || agg < 1 || agg > 2) {
        return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, 0,
                           "not a loss stream: the first word is %u/%u, expected 2/1, 1/1, 1/2 or 3/1", source, agg);
    }
    if (h->n_samples >= 0) return SHEAF_OK;
    return shf_fail_at(err, SHEAF_ERR_INPUT, NULL, NULL, -1, 4, "not a loss stream: it says that it has %d samples", h->n_samples);
}

void shf_loss_parser_init(shf_loss_parser *p)
{
    memset(p, 0, sizeof *p);
}

void shf_loss_parser_init_packets(shf_loss_parser *p, const shf_loss_header *h, uint64_t offset)
{
    memset(p, 0, sizeof *p);
    p->header = *h;
    p->offset = offset;
    p->state = AT_PACKET;
}

bool shf_loss_parser_in_packet(const shf_loss_parser *p)
{
    return p->state == AT_PAIRS;
}

size_t shf_loss_find_end(const uint8_t *pairs, size_t n)
{
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128();
    for (; i + 8 <= n; i += 8) {
        const uint8_t *at = pairs + i * 8;
        __m128 a = _mm_loadu_ps((const float *)(const void *)at), b = _mm_loadu_ps((const float *)(const void *)(at + 16));
        __m128 c = _mm_loadu_ps((const float *)(const void *)(at + 32)), d = _mm_loadu_ps((const float *)(const void *)(at + 48));
        __m128i s = _mm_castps_si128(_mm_shuffle_ps(a, b, 0x88)), t = _mm_castps_si128(_mm_shuffle_ps(c, d, 0x88));
        if (_mm_movemask_epi8(_mm_or_si128(_mm_cmpeq_epi32(s, zero), _mm_cmpeq_epi32(t, zero)))) break;
    }
#endif
    while (i < n && shf_get_u32(pairs + i * 8) != 0) i++;
    return i;
}

/* Bytes that the next group of words needs. */
static size_t group_bytes(const shf_loss_parser *p)
{
    switch (p->state) {
    case AT_SET_ID: return 4;
    case AT_PACKET: return shf_loss_header_bytes(&p->header);
    default: return 8;
    }
}

/* Takes a whole group of words. False when it says nothing yet (the first words of a summary stream). */
static bool take_group(shf_loss_parser *p, const uint8_t *g, shf_loss_token *token)
{
    switch (p->state) {
    case AT_HEADER:
        p->header.word = shf_get_u32(g);
        p->header.n_samples = shf_get_i32(g + 4);
        p->offset += 8;
        p->state = shf_loss_is_summary(&p->header) ? AT_SET_ID : AT_PACKET;
        token->kind = SHF_LOSS_HEADER;
        return p->state == AT_PACKET;
    case AT_SET_ID:
        p->header.set_id = shf_get_i32(g);
        p->offset += 4;
        p->state = AT_PACKET;
        token->kind = SHF_LOSS_HEADER;
        return true;
    case AT_PACKET:
        p->packet_offset = p->offset;
        p->event_id = shf_get_i32(g);
        p->item_id = shf_get_i32(g + 4);
        p->exposure_bits = shf_loss_is_summary(&p->header) ? shf_get_u32(g + 8) : 0;
        p->offset += shf_loss_header_bytes(&p->header);
        p->state = AT_PAIRS;
        token->kind = SHF_LOSS_PACKET;
        return true;
    default: /* a pair alone */
        p->offset += 8;
        if (shf_get_u32(g) != 0) {
            token->kind = SHF_LOSS_PAIRS;
            token->pairs = g;
            token->n_pairs = 1;
        } else {
            token->kind = SHF_LOSS_END;
            token->end_bits = shf_get_u32(g + 4);
            token->delimited = true;
            p->state = AT_PACKET;
        }
        return true;
    }
}

/* Completes the kept bytes. */
static size_t take_kept(shf_loss_parser *p, const uint8_t *in, size_t n, shf_loss_token *token, bool *told)
{
    size_t need = group_bytes(p) - p->kept, part = n < need ? n : need;
    if (part) memcpy(p->hold + p->kept, in, part);
    p->kept += (uint32_t)part;
    *told = false;
    if (part < need) return part;
    p->kept = 0;
    *told = take_group(p, p->hold, token);
    return part;
}

size_t shf_loss_parser_next(shf_loss_parser *p, const uint8_t *in, size_t n, shf_loss_token *token)
{
    size_t used = 0;
    for (;;) {
        size_t left = n - used, need = group_bytes(p);
        token->kind = SHF_LOSS_NEED_INPUT;
        if (left == 0) return used;
        if (p->kept || left < need) {
            bool told;
            used += take_kept(p, in + used, left, token, &told);
            if (told) return used;
            continue;
        }
        if (p->state == AT_PAIRS) {
            size_t n_pairs = shf_loss_find_end(in + used, left / 8);
            if (n_pairs) {
                token->kind = SHF_LOSS_PAIRS;
                token->pairs = in + used;
                token->n_pairs = n_pairs;
                p->offset += n_pairs * 8;
                return used + n_pairs * 8;
            }
        }
        const uint8_t *group = in + used;
        used += need;
        if (take_group(p, group, token)) return used;
    }
}

bool shf_loss_parser_last(shf_loss_parser *p, shf_loss_token *token)
{
    if (p->state != AT_PAIRS || p->kept) return false;
    token->kind = SHF_LOSS_END;
    token->end_bits = 0;
    token->delimited = false;
    p->state = AT_PACKET;
    return true;
}

sheaf_status shf_loss_parser_finish(const shf_loss_parser *p, sheaf_error *err)
{
    uint64_t at = p->offset + p->kept;
    bool whole = p->kept == 0 && p->state != AT_SET_ID && !(p->state == AT_HEADER);
    if (whole) return SHEAF_OK;
    unsigned long long byte = at;
    if (p->state == AT_HEADER || p->state == AT_SET_ID) {
        return shf_fail_at(err, SHEAF_ERR_TRUNCATED, NULL, NULL, -1, (int64_t)at, "the stream ends at byte %llu, inside its header", byte);
    }
    if (p->state == AT_PACKET && p->kept < 8) {
        return shf_fail_at(err, SHEAF_ERR_TRUNCATED, NULL, NULL, -1, (int64_t)at,
                           "the stream ends at byte %llu, inside a packet header (after event %d, item %d)", byte, p->event_id, p->item_id);
    }
    bool in_header = p->state == AT_PACKET;
    int32_t event = in_header ? shf_get_i32(p->hold) : p->event_id, item = in_header ? shf_get_i32(p->hold + 4) : p->item_id;
    return shf_fail_at(err, SHEAF_ERR_TRUNCATED, NULL, NULL, -1, (int64_t)at,
                       "the stream ends at byte %llu, inside %s of event %d, item %d", byte, in_header ? "the packet header" : "a pair",
                       event, item);
}

sheaf_status shf_loss_put_packet(shf_buf *out, const shf_loss_header *h, int32_t event_id, int32_t item_id, uint32_t exposure_bits,
                                 sheaf_error *err)
{
    uint8_t g[SHF_LOSS_MAX_HEADER_BYTES];
    shf_set_u32(g, (uint32_t)event_id);
    shf_set_u32(g + 4, (uint32_t)item_id);
    shf_set_u32(g + 8, exposure_bits);
    return shf_buf_append(out, g, shf_loss_header_bytes(h), err);
}

sheaf_status shf_loss_put_pair(shf_buf *out, int32_t sidx, uint32_t loss_bits, sheaf_error *err)
{
    uint8_t g[8];
    shf_set_u32(g, (uint32_t)sidx);
    shf_set_u32(g + 4, loss_bits);
    return shf_buf_append(out, g, sizeof g, err);
}

static uint8_t *put_nonzero(uint8_t *to, const int32_t *sidx, const float *loss, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        shf_set_u32(to, (uint32_t)sidx[i]);
        memcpy(to + 4, &loss[i], 4);
        uint32_t magnitude = shf_get_u32(to + 4) & 0x7fffffffu;
        to += magnitude - 1 < 0x7f800000u ? 8 : 0;
    }
    return to;
}

sheaf_status shf_loss_put_pairs(shf_buf *out, const int32_t *sidx, const float *loss, size_t n, bool skip_zeros, sheaf_error *err)
{
    if (n > SIZE_MAX / 16) return shf_fail_memory(err, SIZE_MAX, "pairs of a loss stream");
    SHF_TRY(shf_buf_reserve(out, n * 8 + 8, err));
    uint8_t *to = out->data + out->size;
    size_t i = 0;
#if defined(__SSE2__)
    const __m128i zero = _mm_setzero_si128(), infinite = _mm_set1_epi32(0x7f800000);
    for (; i + 4 <= n; i += 4) {
        __m128i s = _mm_loadu_si128((const __m128i *)(const void *)(sidx + i)),
                l = _mm_loadu_si128((const __m128i *)(const void *)(loss + i));
        __m128i plain = _mm_and_si128(_mm_cmpgt_epi32(l, zero), _mm_cmpgt_epi32(infinite, l));
        if (skip_zeros && _mm_movemask_epi8(plain) != 0xffff) {
            to = put_nonzero(to, sidx + i, loss + i, 4);
            continue;
        }
        _mm_storeu_si128((__m128i *)(void *)to, _mm_unpacklo_epi32(s, l));
        _mm_storeu_si128((__m128i *)(void *)(to + 16), _mm_unpackhi_epi32(s, l));
        to += 32;
    }
#endif
    if (skip_zeros) {
        to = put_nonzero(to, sidx + i, loss + i, n - i);
    } else {
        for (; i < n; i++, to += 8) {
            shf_set_u32(to, (uint32_t)sidx[i]);
            memcpy(to + 4, &loss[i], 4);
        }
    }
    out->size = (size_t)(to - out->data);
    return SHEAF_OK;
}

sheaf_status shf_loss_put_index(shf_buf *out, int32_t id, uint64_t offset, bool binary, sheaf_error *err)
{
    if (!binary) return shf_buf_printf(out, err, "%d,%llu\n", id, (unsigned long long)offset);
    uint8_t g[12];
    shf_set_u32(g, (uint32_t)id);
    shf_set_u64(g + 4, offset);
    return shf_buf_append(out, g, sizeof g, err);
}
