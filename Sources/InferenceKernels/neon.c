#if defined(__aarch64__)
#include "blocks.h"
#include "kernels.h"
#include "exact.h"
#include "lanes.h"
#include <arm_neon.h>
#pragma clang attribute push(__attribute__((target("dotprod"))), apply_to = function)

#define KERNELS ik_neon_kernels
#define PANELS 1
#define TILE 4
// The instruction at hand multiplies signed numbers, so nothing needs to be corrected.
#define BIAS 0
#define DOT_BIASED dot_biased
#define DOT_UNSIGNED dot_unsigned
#define LOAD_HALVES load_halves
#define QUERIES 2
#define STORE_HALVES store_halves

INLINE f32x16 load_halves(const uint8_t *address) {
    f32x16 whole;
    for (int i = 0; i < 4; i++) {
        float16x4_t halves = vreinterpret_f16_u8(vld1_u8(address + i * 8));
        float32x4_t part = vcvt_f32_f16(halves);
        memcpy((char *)&whole + i * 16, &part, 16);
    }
    return whole;
}

INLINE void store_halves(uint16_t *address, f32x16 v) {
    for (int i = 0; i < 4; i++) {
        float32x4_t part;
        memcpy(&part, (const char *)&v + i * 16, 16);
        vst1_u16(address + i * 4, vreinterpret_u16_f16(vcvt_f16_f32(part)));
    }
}

INLINE i32x16 dot_flipped(i32x16 sums, u8x64 numbers, int32_t activations, uint8_t flip) {
    int8x16_t a = vreinterpretq_s8_s32(vdupq_n_s32(activations));
    i32x16 whole;
    for (int i = 0; i < 4; i++) {
        int32x4_t sum;
        uint8x16_t number;
        memcpy(&sum, (const char *)&sums + i * 16, 16);
        memcpy(&number, (const char *)&numbers + i * 16, 16);
        sum = vdotq_s32(sum, vreinterpretq_s8_u8(veorq_u8(number, vdupq_n_u8(flip))), a);
        memcpy((char *)&whole + i * 16, &sum, 16);
    }
    return whole;
}

INLINE i32x16 dot_unsigned(i32x16 sums, u8x64 numbers, int32_t activations) {
    return dot_flipped(sums, numbers, activations, 0);
}

INLINE i32x16 dot_biased(i32x16 sums, u8x64 numbers, int32_t activations) {
    return dot_flipped(sums, numbers, activations, 0x80);
}

#include "vectors.h"
#pragma clang attribute pop
#endif
