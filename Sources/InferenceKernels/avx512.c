#if defined(__x86_64__)
#include "blocks.h"
#include "kernels.h"
#include <immintrin.h>
#include "exact.h"
#include "lanes.h"
#pragma clang attribute push(__attribute__((target("avx2,f16c,avx512f,avx512bw,avx512vl,avx512dq,avx512vnni"))), apply_to = function)

#define KERNELS ik_avx512_kernels
#define PANELS 2
#define TILE 4
#define BIAS 128
#define DOT_BIASED dot
#define DOT_UNSIGNED dot
#define LOAD_HALVES load_halves
#define QUERIES 4
#define STORE_HALVES store_halves

INLINE f32x16 load_halves(const uint8_t *address) {
    return (f32x16)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)address));
}

INLINE void store_halves(uint16_t *address, f32x16 v) {
    _mm256_storeu_si256((__m256i *)address, _mm512_cvtps_ph((__m512)v, _MM_FROUND_TO_NEAREST_INT));
}

INLINE i32x16 dot(i32x16 sums, u8x64 numbers, int32_t activations) {
    return (i32x16)_mm512_dpbusd_epi32((__m512i)sums, (__m512i)numbers, _mm512_set1_epi32(activations));
}

#include "vectors.h"
#pragma clang attribute pop
#endif
