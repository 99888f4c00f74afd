// The vector loops of encoders, compiled once per path by bert.c, which defines NAME(name) before. All arithmetic is on
// vectors of 16 lanes, as in vectors.h, so that every path gives the same bits.

#include "lane_loops.h"

/// Keeps x between two bounds; NaN becomes the upper one.
INLINE f32x16 NAME(between)(f32x16 x, float low, float high) {
    i32x16 below = x < SPLAT(high);
    x = (f32x16)(((i32x16)x & below) | ((i32x16)SPLAT(high) & ~below));
    i32x16 above = x > SPLAT(low);
    return (f32x16)(((i32x16)x & above) | ((i32x16)SPLAT(low) & ~above));
}

/// The error function within 5e-7: an odd polynomial over an even one, which reach 1 at 4.
INLINE f32x16 NAME(error_function)(f32x16 x) {
    f32x16 v = NAME(between)(x, -4.0f, 4.0f), square = v * v;
    f32x16 p = SPLAT(-2.72614225801306e-10f);
    p = p * square + SPLAT(2.77068142495902e-08f);
    p = p * square + SPLAT(-2.10102402082508e-06f);
    p = p * square + SPLAT(-5.69250639462346e-05f);
    p = p * square + SPLAT(-7.34990630326855e-04f);
    p = p * square + SPLAT(-2.95459980854025e-03f);
    p = p * square + SPLAT(-1.60960333262415e-02f);
    f32x16 q = SPLAT(-1.45660718464996e-05f);
    q = q * square + SPLAT(-2.13374055278905e-04f);
    q = q * square + SPLAT(-1.68282697438203e-03f);
    q = q * square + SPLAT(-7.37332916720468e-03f);
    q = q * square + SPLAT(-1.42647390514189e-02f);
    return v * p / q;
}

static void NAME(layer_norm)(float *x, const float *weight, const float *bias, uint32_t count, float epsilon) {
    f32x16 sums = SPLAT(0.0f), squares = SPLAT(0.0f);
    for (uint32_t i = 0; i < count; i += 16) sums += LOAD(f32x16, x + i);
    f32x16 mean = SPLAT(NAME(lane_sum)(sums) / (float)count);
    for (uint32_t i = 0; i < count; i += 16) {
        f32x16 v = LOAD(f32x16, x + i) - mean;
        squares += v * v;
    }
    f32x16 factor = SPLAT(1.0f / __builtin_elementwise_sqrt(NAME(lane_sum)(squares) / (float)count + epsilon));
    for (uint32_t i = 0; i < count; i += 16) {
        f32x16 v = (LOAD(f32x16, x + i) - mean) * factor * LOAD(f32x16, weight + i);
        if (bias) v += LOAD(f32x16, bias + i);
        STORE(x + i, v);
    }
}

static void NAME(gelu)(float *x, const float *bias, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 16) {
        f32x16 v = LOAD(f32x16, x + i);
        if (bias) v += LOAD(f32x16, bias + i);
        STORE(x + i, SPLAT(0.5f) * v * (SPLAT(1.0f) + NAME(error_function)(v * SPLAT(0x1.6a09e6p-1f))));
    }
}

static void NAME(attend)(const attention *job) {
    uint32_t vectors = (job->count + 15) / 16;
    for (uint32_t t = 0; t < job->count; t++) {
        const float *query = job->queries + t * job->stride;
        float highest = -__builtin_inff();
        for (uint32_t v = 0; v < vectors; v++) {
            f32x16 sum = SPLAT(0.0f);
            for (uint32_t d = 0; d < job->head_size; d++)
                sum += LOAD(f32x16, job->keys + d * job->key_stride + v * 16) * SPLAT(query[d]);
            STORE(job->scores + v * 16, sum * SPLAT(job->scale));
        }
        for (uint32_t i = 0; i < job->count; i++) highest = job->scores[i] > highest ? job->scores[i] : highest;
        for (uint32_t i = job->count; i < vectors * 16; i++) job->scores[i] = -__builtin_inff();
        f32x16 sums = SPLAT(0.0f);
        for (uint32_t v = 0; v < vectors; v++) {
            f32x16 e = NAME(exponential)(LOAD(f32x16, job->scores + v * 16) - SPLAT(highest));
            STORE(job->scores + v * 16, e);
            sums += e;
        }
        f32x16 inverse = SPLAT(1.0f / NAME(lane_sum)(sums));
        for (uint32_t d = 0; d < job->head_size; d += 16) {
            f32x16 out = SPLAT(0.0f);
            for (uint32_t i = 0; i < job->count; i++)
                out += LOAD(f32x16, job->values + i * job->stride + d) * SPLAT(job->scores[i]);
            out *= inverse;
            uint32_t lanes = job->head_size - d < 16 ? job->head_size - d : 16;
            memcpy(job->out + t * job->stride + d, &out, lanes * 4);
        }
    }
}
