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
#define SPLAT(value) ((f32x16){} + (value))
