#pragma once
#include "InferenceKernels.h"
#include <string.h>

/// Rows in a panel.
enum { IK_LANES = 16 };

/// The exact value of an IEEE half.
static inline float ik_half(uint16_t half) {
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, exponent = half >> 10 & 31, mantissa = half & 1023, bits;
    float value;
    if (exponent == 0) {
        value = (float)mantissa * 0x1p-24f;
        memcpy(&bits, &value, 4);
        bits |= sign;
    } else if (exponent == 31) {
        // Infinity, or a NaN made quiet as the processor's conversion does.
        bits = sign | 0x7f800000u | mantissa << 13 | (mantissa ? 0x400000u : 0);
    } else {
        bits = sign | (exponent + 112) << 23 | mantissa << 13;
    }
    memcpy(&value, &bits, 4);
    return value;
}

/// The IEEE half nearest to `value`, ties to even; `value` is within the range of halves.
static inline uint16_t ik_to_half(float value) {
    uint32_t bits;
    memcpy(&bits, &value, 4);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude >= 0x38800000) return (uint16_t)(sign | (magnitude - 0x38000000 + 0xfff + (magnitude >> 13 & 1)) >> 13);
    // A small half counts steps of 2^-24, the last place of floats from 0.5 on.
    memcpy(&value, &magnitude, 4);
    value += 0.5f;
    memcpy(&magnitude, &value, 4);
    return (uint16_t)(sign | (magnitude - 0x3f000000));
}

static inline uint16_t ik_u16(const uint8_t *bytes) { return (uint16_t)(bytes[0] | bytes[1] << 8); }

// Offsets inside a panel of IK_FORM_Q4K per 256 columns: halves d[16] and dmin[16], bytes scale[8][16] and
// minimum[8][16], then eight blocks of 256 bytes as in IK_FORM_Q4.
enum { Q4K_SCALES = 64, Q4K_MINIMA = 192, Q4K_NUMBERS = 320, Q4K_BYTES = 2368 };
// IK_FORM_Q6K per 256 columns: halves d[16], padding to 64, signed bytes scale[16][16], eight blocks of 512 bytes.
enum { Q6K_SCALES = 64, Q6K_NUMBERS = 320, Q6K_BYTES = 4416 };
// IK_FORM_SCALED per 32 columns: floats scale[2][16], floats minimum[2][16], 512 bytes.
enum { SCALED_MINIMA = 128, SCALED_NUMBERS = 256, SCALED_BYTES = 768 };

/// The place of column `c` (of 32) of lane `r` in a block of 512 bytes: groups of four columns, lanes inside.
static inline size_t ik_byte_place(uint32_t c, uint32_t r) { return (c / 4) * 64 + r * 4 + c % 4; }
