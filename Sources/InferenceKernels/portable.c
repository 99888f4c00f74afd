#include "blocks.h"
#include "kernels.h"
#include "exact.h"
#include "lanes.h"

#define KERNELS ik_portable_kernels
#define PANELS 1
#define TILE 4
#define BIAS 128
#define DOT_BIASED dot
#define DOT_UNSIGNED dot
#define LOAD_HALVES load_halves
#define QUERIES 2
#define STORE_HALVES store_halves

INLINE f32x16 load_halves(const uint8_t *address) {
    f32x16 v;
    for (int i = 0; i < 16; i++) v[i] = ik_half(ik_u16(address + i * 2));
    return v;
}

INLINE void store_halves(uint16_t *address, f32x16 v) {
    for (int i = 0; i < 16; i++) address[i] = ik_to_half(v[i]);
}

INLINE i32x16 dot(i32x16 sums, u8x64 numbers, int32_t activations) {
    // A lane holds four columns; the products are of 9 bits by 8 and need no more than the sums' 32.
    i32x16 packed = (i32x16)numbers;
    for (int i = 0; i < 4; i++) sums += (packed >> (8 * i) & 255) * (int32_t)(int8_t)(activations >> (8 * i));
    return sums;
}

#include "vectors.h"
