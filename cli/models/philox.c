// SPDX-License-Identifier: Apache-2.0
#include <math.h>

#include "models/model.h"

const model *const models[N_MODELS] = {&model_insurance, &model_gbm, &model_ou};

void philox(uint64_t seed, int64_t id, uint32_t step, uint32_t draw, uint32_t out[4])
{
    uint32_t k0 = (uint32_t)seed, k1 = (uint32_t)(seed >> 32);
    uint32_t c0 = (uint32_t)(uint64_t)id, c1 = (uint32_t)((uint64_t)id >> 32), c2 = step, c3 = draw;
    for (int round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;
        uint32_t n0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0, n2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        c0 = n0;
        c2 = n2;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

static double uniform(uint32_t high, uint32_t low)
{
    uint64_t bits = ((uint64_t)high << 32 | low) >> 11;
    return ((double)bits + .5) * 0x1p-53;
}

void philox_uniform(uint64_t seed, int64_t id, uint32_t step, uint32_t draw, double out[2])
{
    uint32_t w[4];
    philox(seed, id, step, draw, w);
    out[0] = uniform(w[0], w[1]);
    out[1] = uniform(w[2], w[3]);
}

void philox_normal(uint64_t seed, int64_t id, uint32_t step, uint32_t draw, double out[2])
{
    double u[2];
    philox_uniform(seed, id, step, draw, u);
    double r = sqrt(-2 * log(u[0])), angle = 2 * M_PI * u[1];
    out[0] = r * cos(angle);
    out[1] = r * sin(angle);
}
