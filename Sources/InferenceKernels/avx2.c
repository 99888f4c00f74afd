#if defined(__x86_64__)
#include "blocks.h"
#include "kernels.h"
#include "exact.h"
#include "lanes.h"
#pragma clang attribute push(__attribute__((target("avx2,f16c"))), apply_to = function)

#define KERNELS ik_avx2_kernels
#define PANELS 1
#define TILE 4
// The instruction at hand takes signed numbers by their magnitude, so nothing needs to be corrected.
#define BIAS 0
#define DOT_BIASED dot_biased
#define DOT_UNSIGNED dot_unsigned
#define LOAD_HALVES load_halves
#define QUERIES 2
#define STORE_HALVES store_halves

#include "halves256.h"

INLINE __m256i products(__m256i numbers, __m256i activations) {
    // Pairs of products fit 16 bits: 128 * 127 * 2 < 2^15.
    return _mm256_madd_epi16(_mm256_maddubs_epi16(numbers, activations), _mm256_set1_epi16(1));
}

INLINE i32x16 dot_unsigned(i32x16 sums, u8x64 numbers, int32_t activations) {
    __m256i a = _mm256_set1_epi32(activations);
    __m256i low = _mm256_add_epi32(SPLIT(sums, 0), products(SPLIT(numbers, 0), a));
    __m256i high = _mm256_add_epi32(SPLIT(sums, 1), products(SPLIT(numbers, 1), a));
    return JOIN(low, high);
}

INLINE i32x16 dot_biased(i32x16 sums, u8x64 numbers, int32_t activations) {
    __m256i a = _mm256_set1_epi32(activations), flip = _mm256_set1_epi8((char)0x80);
    __m256i first = _mm256_xor_si256(SPLIT(numbers, 0), flip), second = _mm256_xor_si256(SPLIT(numbers, 1), flip);
    __m256i low = products(_mm256_abs_epi8(first), _mm256_sign_epi8(a, first));
    __m256i high = products(_mm256_abs_epi8(second), _mm256_sign_epi8(a, second));
    low = _mm256_add_epi32(SPLIT(sums, 0), low);
    high = _mm256_add_epi32(SPLIT(sums, 1), high);
    return JOIN(low, high);
}

#include "vectors.h"
#pragma clang attribute pop
#endif
