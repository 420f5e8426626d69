// SPDX-License-Identifier: Apache-2.0
/* Writes a loss stream for measurements: gen_loss_stream EVENTS ITEMS SAMPLES SHARE [summary] > stream
 * SHARE is the part of the samples that have a loss. Losses are lognormal; the same arguments give the same bytes. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint64_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static double uniform(void)
{
    return (double)(next_random() >> 11) * 0x1p-53;
}

static void put(int32_t a, float b)
{
    fwrite(&a, 4, 1, stdout);
    fwrite(&b, 4, 1, stdout);
}

/* A table of lognormal losses makes the generator quick; the lower 16 bits are drawn anew each time. */
static uint32_t losses[1 << 16];

static float draw_loss(void)
{
    uint64_t random = next_random();
    uint32_t bits = losses[random & 0xffff] ^ (uint32_t)(random >> 48);
    float loss;
    memcpy(&loss, &bits, 4);
    return loss;
}

static void fill_losses(void)
{
    for (size_t i = 0; i < sizeof losses / sizeof *losses; i++) {
        double normal = sqrt(-2 * log(1 - uniform())) * cos(6.283185307179586 * uniform());
        float loss = (float)exp(9 + 1.2 * normal);
        memcpy(&losses[i], &loss, 4);
    }
}

static void packet(int32_t event, int32_t item, int32_t samples, double share, int summary)
{
    int32_t head[2] = {event, item};
    float exposure = 3400000;
    fwrite(head, 4, 2, stdout);
    if (summary) fwrite(&exposure, 4, 1, stdout);
    if (!summary) {
        put(-5, 395000);
        put(-3, 395000);
    }
    put(-1, draw_loss());
    for (int32_t s = 1; s <= samples; s++) {
        if (share < 1 && uniform() >= share) continue;
        put(s, draw_loss());
    }
    put(0, 0);
}

int main(int argc, char **argv)
{
    if (argc < 5) {
        fprintf(stderr, "usage: gen_loss_stream EVENTS ITEMS SAMPLES SHARE [summary]\n");
        return 2;
    }
    int32_t events = atoi(argv[1]), items = atoi(argv[2]), samples = atoi(argv[3]), one = 1;
    double share = atof(argv[4]);
    int summary = argc > 5 && strcmp(argv[5], "summary") == 0;
    uint32_t word = summary ? 0x03000001u : 0x02000001u;
    setvbuf(stdout, NULL, _IOFBF, 1 << 20);
    fill_losses();
    fwrite(&word, 4, 1, stdout);
    fwrite(&samples, 4, 1, stdout);
    if (summary) fwrite(&one, 4, 1, stdout);
    for (int32_t e = 1; e <= events; e++) {
        for (int32_t i = 1; i <= items; i++) packet(e, i, samples, share, summary);
    }
    return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
