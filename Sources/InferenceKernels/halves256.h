// A vector of 16 lanes as two of 256 bits, for the paths that have no wider ones; included where they are allowed.
#include "lanes.h"
#include <immintrin.h>

#define SPLIT(v, half) ({ __m256i part; memcpy(&part, (const char *)&(v) + (half) * 32, 32); part; })
#define JOIN(a, b) ({ i32x16 whole; memcpy(&whole, &(a), 32); memcpy((char *)&whole + 32, &(b), 32); whole; })

INLINE f32x16 load_halves(const uint8_t *address) {
    __m256 a = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)address));
    __m256 b = _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(address + 16)));
    f32x16 whole;
    memcpy(&whole, &a, 32);
    memcpy((char *)&whole + 32, &b, 32);
    return whole;
}

INLINE void store_halves(uint16_t *address, f32x16 v) {
    __m256 a, b;
    memcpy(&a, &v, 32);
    memcpy(&b, (const char *)&v + 32, 32);
    _mm_storeu_si128((__m128i *)address, _mm256_cvtps_ph(a, _MM_FROUND_TO_NEAREST_INT));
    _mm_storeu_si128((__m128i *)(address + 8), _mm256_cvtps_ph(b, _MM_FROUND_TO_NEAREST_INT));
}
