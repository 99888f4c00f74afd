#pragma once
#include "pool.h"

/// Attention of one head of one token over the cache.
typedef struct {
    const float *query;
    const float *const *pages;
    size_t keys, values;  ///< Offsets of the head's keys and values inside a page.
    uint32_t head_size, value_stride, positions;
    float scale;
    float *out;
} ik_attention;

/// The vector loops, once per path.
typedef struct {
    void (*matmul)(
        const ik_matrix *matrix, const float *x, const ik_block *blocks, uint32_t tokens, float *out, size_t out_stride,
        uint32_t first_panel, uint32_t last_panel);
    void (*quantize)(const float *x, uint32_t count, ik_block *out);
    /// out = x / sqrt(mean of squares + epsilon) * weight; `count` is any number, `out` may be `x`.
    void (*norm)(const float *x, const float *weight, uint32_t count, float epsilon, float *out);
    /// gate = gate * sigmoid(gate) * up
    void (*gate)(float *gate, const float *up, uint32_t count);
    void (*attend)(const ik_attention *job);
} ik_kernels;

extern const ik_kernels ik_portable_kernels;
#if defined(__x86_64__)
extern const ik_kernels ik_avx2_kernels, ik_avx512_kernels;
#endif

/// The loops of `path`.
const ik_kernels *ik_kernels_of(ik_path path);
