// Vectors of 16 lanes, whatever the processor's width.
#pragma once
#include <stdint.h>
#include <string.h>

#pragma clang diagnostic ignored "-Wpsabi"
#define INLINE static inline __attribute__((always_inline))

typedef float f32x16 __attribute__((vector_size(64)));
typedef int32_t i32x16 __attribute__((vector_size(64)));
typedef uint32_t u32x16 __attribute__((vector_size(64)));
typedef uint8_t u8x64 __attribute__((vector_size(64)));
typedef uint8_t u8x16 __attribute__((vector_size(16)));
typedef int8_t i8x16 __attribute__((vector_size(16)));
typedef uint16_t u16x16 __attribute__((vector_size(32)));

#define LOAD(type, address) ({ type loaded; memcpy(&loaded, (address), sizeof loaded); loaded; })
#define STORE(address, vector) do { __typeof__(vector) stored = (vector); memcpy((address), &stored, sizeof stored); } while (0)
#define FLOATS(vector) __builtin_convertvector((vector), f32x16)
// Written out, since adding to a vector of zeros would be one more operation that the compiler may not drop.
#define SIXTEEN(value) {value, value, value, value, value, value, value, value, value, value, value, value, value, value, value, value}
#define SPLAT(value) ({ float splat = (value); (f32x16)SIXTEEN(splat); })
