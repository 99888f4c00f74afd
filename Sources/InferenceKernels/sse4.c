#if defined(__x86_64__)
#include "blocks.h"
#include "kernels.h"
#include "exact.h"
#include "lanes.h"
#include <immintrin.h>
#pragma clang attribute push(__attribute__((target("sse4.1,ssse3"))), apply_to = function)

#define KERNELS ik_sse4_kernels
#define PANELS 1
#define TILE 2
// The instruction at hand takes signed numbers by their magnitude, so nothing needs to be corrected.
#define BIAS 0
#define DOT_BIASED dot_biased
#define DOT_UNSIGNED dot_unsigned
#define LOAD_HALVES load_halves
#define QUERIES 1
#define STORE_HALVES store_halves

#define PART(v, i) ({ __m128i part; memcpy(&part, (const char *)&(v) + (i) * 16, 16); part; })

/// A half's exponent is moved by a multiplication, which makes floats of its smallest numbers too.
INLINE f32x16 load_halves(const uint8_t *address) {
    f32x16 whole;
    for (int i = 0; i < 4; i++) {
        __m128i halves = _mm_cvtepu16_epi32(_mm_loadl_epi64((const __m128i *)(address + i * 8)));
        __m128i sign = _mm_slli_epi32(_mm_and_si128(halves, _mm_set1_epi32(0x8000)), 16);
        __m128i magnitude = _mm_and_si128(halves, _mm_set1_epi32(0x7fff));
        // Infinities and what is no number keep the largest exponent; a NaN becomes quiet.
        __m128i special = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7bff));
        __m128i nan = _mm_cmpgt_epi32(magnitude, _mm_set1_epi32(0x7c00));
        __m128i bits = _mm_slli_epi32(magnitude, 13);
        __m128i value = _mm_castps_si128(_mm_mul_ps(_mm_castsi128_ps(bits), _mm_set1_ps(0x1p112f)));
        __m128i largest = _mm_or_si128(bits, _mm_set1_epi32(0x7f800000));
        largest = _mm_or_si128(largest, _mm_and_si128(nan, _mm_set1_epi32(0x400000)));
        value = _mm_or_si128(_mm_blendv_epi8(value, largest, special), sign);
        memcpy((char *)&whole + i * 16, &value, 16);
    }
    return whole;
}

INLINE void store_halves(uint16_t *address, f32x16 v) {
    for (int i = 0; i < 16; i++) address[i] = ik_to_half(v[i]);
}

INLINE __m128i products(__m128i numbers, __m128i activations) {
    // Pairs of products fit 16 bits: 128 * 127 * 2 < 2^15.
    return _mm_madd_epi16(_mm_maddubs_epi16(numbers, activations), _mm_set1_epi16(1));
}

INLINE i32x16 dot_unsigned(i32x16 sums, u8x64 numbers, int32_t activations) {
    i32x16 whole;
    for (int i = 0; i < 4; i++) {
        __m128i sum = _mm_add_epi32(PART(sums, i), products(PART(numbers, i), _mm_set1_epi32(activations)));
        memcpy((char *)&whole + i * 16, &sum, 16);
    }
    return whole;
}

INLINE i32x16 dot_biased(i32x16 sums, u8x64 numbers, int32_t activations) {
    i32x16 whole;
    for (int i = 0; i < 4; i++) {
        __m128i number = _mm_xor_si128(PART(numbers, i), _mm_set1_epi8((char)0x80));
        __m128i signed_ = _mm_sign_epi8(_mm_set1_epi32(activations), number);
        __m128i sum = _mm_add_epi32(PART(sums, i), products(_mm_abs_epi8(number), signed_));
        memcpy((char *)&whole + i * 16, &sum, 16);
    }
    return whole;
}

#include "vectors.h"
#pragma clang attribute pop
#endif
