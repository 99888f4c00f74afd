#if defined(__x86_64__)
#include "blocks.h"
#include "kernels.h"
#include "exact.h"
#include "lanes.h"
#pragma clang attribute push(__attribute__((target("avx2,f16c,avxvnni"))), apply_to = function)

#define KERNELS ik_avxvnni_kernels
#define PANELS 1
#define TILE 4
#define BIAS 128
#define DOT_BIASED dot
#define DOT_UNSIGNED dot
#define LOAD_HALVES load_halves
#define QUERIES 2
#define STORE_HALVES store_halves

#include "halves256.h"

INLINE i32x16 dot(i32x16 sums, u8x64 numbers, int32_t activations) {
    __m256i a = _mm256_set1_epi32(activations);
    __m256i low = _mm256_dpbusd_avx_epi32(SPLIT(sums, 0), SPLIT(numbers, 0), a);
    __m256i high = _mm256_dpbusd_avx_epi32(SPLIT(sums, 1), SPLIT(numbers, 1), a);
    return JOIN(low, high);
}

#include "vectors.h"
#pragma clang attribute pop
#endif
