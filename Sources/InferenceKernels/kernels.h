#pragma once
#include "pool.h"

/// Where one head's keys and values lie in the part of a page that belongs to a layer.
///
/// A position is a lane of the keys: [head_size][64], and a row of the values: [64][value_stride]. IK_CACHE_Q8 has scales
/// beside: floats [blocks][64] for keys, [64][blocks] for values.
typedef struct {
    ik_cache_type type;
    uint32_t value_stride;  ///< In numbers.
    size_t key_scales, values, value_scales;
    size_t bytes;           ///< Of one head.
} ik_head_layout;

/// Attention of a token's heads that share keys and values.
typedef struct {
    ik_head_layout layout;
    const float *queries;  ///< `head_size` apart.
    uint32_t count;        ///< Of queries.
    const uint8_t *const *pages;
    size_t head;           ///< The offset of the head in a page.
    uint32_t head_size;
    uint32_t first, end;   ///< The positions that the token sees.
    float scale;
    float *out;            ///< `head_size` apart.
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
    /// Writes whole vectors of 16.
    void (*halves)(const float *x, uint32_t count, uint16_t *out);
    /// Writes a key and a value of `head_size` floats at `place` of a page's head.
    void (*keep)(const ik_head_layout *layout, uint32_t head_size, const float *key, const float *value, uint8_t *head, uint32_t place);
    void (*attend)(const ik_attention *job);
} ik_kernels;

extern const ik_kernels ik_portable_kernels;
#if defined(__x86_64__)
extern const ik_kernels ik_sse4_kernels, ik_avx2_kernels, ik_avxvnni_kernels, ik_avx512_kernels;
#elif defined(__aarch64__)
extern const ik_kernels ik_neon_kernels;
#endif

/// Fills `panel` with panel number `p` of a matrix that has none.
void ik_pack_panel(const ik_matrix *matrix, uint32_t p, uint8_t *panel);

/// The loops of `path`.
const ik_kernels *ik_kernels_of(ik_path path);
