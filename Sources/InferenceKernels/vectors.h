// The vector loops, compiled once per path by portable.c, sse4.c, avx2.c, avxvnni.c, avx512.c and neon.c, which define before:
//   KERNELS        the name of the table
//   PANELS, TILE   panels and tokens whose products are computed together, as many as there are registers for
//   QUERIES        heads that share one pass over a page of keys and values
//   LOAD_HALVES    16 IEEE halves as floats
//   STORE_HALVES   16 floats as IEEE halves
//   DOT_BIASED     adds to 16 sums the products of four columns whose numbers are stored + 128; where the instruction
//                  at hand multiplies unsigned bytes, BIAS is 128 and the sums start at -128 times the activations' sum
//   DOT_UNSIGNED   the same for numbers below 128
// All arithmetic is on vectors of 16 lanes, whatever the processor's width, so that the order of operations is the same.

#include "lanes.h"
#define NAME(name) name
#include "lane_loops.h"
#undef NAME

INLINE f32x16 larger(f32x16 a, f32x16 b) { return (f32x16)(((i32x16)a & (a > b)) | ((i32x16)b & ~(a > b))); }

// MARK: - Products

INLINE int32_t word(const ik_block *block, int group) { return LOAD(int32_t, block->q + group * 4); }
INLINE i32x16 spread(int32_t value) { return (i32x16)SIXTEEN(value); }

#define EACH_PANEL for (int p = 0; p < panels; p++)
#define EACH_TOKEN for (int t = 0; t < tokens; t++)
#define BLOCK(t) (x + (size_t)(t) * stride + b)
/// A product of each panel with each token.
#define PRODUCTS (PANELS * TILE)
#define AT(p, t) ((p) * TILE + (t))

/// Adds the products of one block of 32 columns of 4-bit numbers, which lies `apart` from one panel to the next.
INLINE void dot_nibbles(
    const uint8_t *numbers, size_t apart, const ik_block *x, size_t stride, int b, i32x16 *sums, const int panels,
    const int tokens
) {
    for (int g = 0; g < 4; g++) {
        u8x64 low[PANELS], high[PANELS];
        EACH_PANEL {
            u8x64 packed = LOAD(u8x64, numbers + p * apart + g * 64);
            low[p] = packed & 15;
            high[p] = (u8x64)((u32x16)packed >> 4) & 15;
        }
        EACH_TOKEN {
            int32_t first = word(BLOCK(t), g), second = word(BLOCK(t), g + 4);
            EACH_PANEL {
                sums[AT(p, t)] = DOT_UNSIGNED(sums[AT(p, t)], low[p], first);
                sums[AT(p, t)] = DOT_UNSIGNED(sums[AT(p, t)], high[p], second);
            }
        }
    }
}

// A token alone reads each weight once, and the next one would not find it in a cache: fetched ahead without a place in the
// outer caches. A core's own fetching ahead stops at every page.
INLINE void product_q8(
    const ik_matrix *m, const uint8_t *panel, const ik_block *x, f32x16 *result, const int panels, const int tokens
) {
    int blocks = (int)(m->columns / 32);
    size_t stride = (size_t)blocks, apart = m->panel_bytes;
    const uint8_t *numbers = panel + (size_t)blocks * 32;
    for (int b = 0; b < blocks; b++, numbers += 512) {
        if (tokens == 1)
            for (int line = 0; line < 512; line += 64) __builtin_prefetch(numbers + 4096 + line, 0, 0);
        i32x16 sums[PRODUCTS];
        EACH_TOKEN EACH_PANEL sums[AT(p, t)] = spread(BLOCK(t)->minus_sum) * BIAS;
        for (int g = 0; g < 8; g++) {
            u8x64 w[PANELS];
            EACH_PANEL w[p] = LOAD(u8x64, numbers + p * apart + g * 64);
            EACH_TOKEN {
                int32_t a = word(BLOCK(t), g);
                EACH_PANEL sums[AT(p, t)] = DOT_BIASED(sums[AT(p, t)], w[p], a);
            }
        }
        EACH_PANEL {
            f32x16 scales = LOAD_HALVES(panel + p * apart + (size_t)b * 32);
            EACH_TOKEN result[AT(p, t)] += FLOATS(sums[AT(p, t)]) * (scales * SPLAT(BLOCK(t)->scale));
        }
    }
}

INLINE void product_q4(
    const ik_matrix *m, const uint8_t *panel, const ik_block *x, f32x16 *result, const int panels, const int tokens
) {
    int blocks = (int)(m->columns / 32);
    size_t stride = (size_t)blocks, apart = m->panel_bytes;
    const uint8_t *numbers = panel + (size_t)blocks * 32;
    for (int b = 0; b < blocks; b++, numbers += 256) {
        if (tokens == 1)
            for (int line = 0; line < 256; line += 64) __builtin_prefetch(numbers + 4096 + line, 0, 0);
        i32x16 sums[PRODUCTS];
        EACH_TOKEN EACH_PANEL sums[AT(p, t)] = spread(BLOCK(t)->minus_sum) * 8;
        dot_nibbles(numbers, apart, x, stride, b, sums, panels, tokens);
        EACH_PANEL {
            f32x16 scales = LOAD_HALVES(panel + p * apart + (size_t)b * 32);
            EACH_TOKEN result[AT(p, t)] += FLOATS(sums[AT(p, t)]) * (scales * SPLAT(BLOCK(t)->scale));
        }
    }
}

INLINE void product_q4k(
    const ik_matrix *m, const uint8_t *panel, const ik_block *x, f32x16 *result, const int panels, const int tokens
) {
    size_t stride = m->columns / 32, apart = m->panel_bytes;
    f32x16 minus[PRODUCTS];
    EACH_PANEL EACH_TOKEN minus[AT(p, t)] = SPLAT(0.0f);
    for (int k = 0; k < (int)(m->columns / 256); k++, panel += Q4K_BYTES) {
        if (tokens == 1)
            for (int line = 0; line < Q4K_BYTES; line += 64) __builtin_prefetch(panel + 2 * Q4K_BYTES + line, 0, 0);
        for (int j = 0; j < 8; j++) {
            int b = k * 8 + j;
            i32x16 sums[PRODUCTS];
            EACH_PANEL EACH_TOKEN sums[AT(p, t)] = spread(0);
            dot_nibbles(panel + Q4K_NUMBERS + j * 256, apart, x, stride, b, sums, panels, tokens);
            EACH_PANEL {
                const uint8_t *own = panel + p * apart;
                f32x16 scales = LOAD_HALVES(own) * FLOATS(LOAD(u8x16, own + Q4K_SCALES + j * 16));
                f32x16 minima = LOAD_HALVES(own + 32) * FLOATS(LOAD(u8x16, own + Q4K_MINIMA + j * 16));
                EACH_TOKEN {
                    float scale = BLOCK(t)->scale, sum = scale * (float)(BLOCK(t)->sums[0] + BLOCK(t)->sums[1]);
                    result[AT(p, t)] += FLOATS(sums[AT(p, t)]) * (scales * SPLAT(scale));
                    minus[AT(p, t)] += minima * SPLAT(sum);
                }
            }
        }
    }
    EACH_PANEL EACH_TOKEN result[AT(p, t)] -= minus[AT(p, t)];
}

INLINE void product_q6k(
    const ik_matrix *m, const uint8_t *panel, const ik_block *x, f32x16 *result, const int panels, const int tokens
) {
    size_t stride = m->columns / 32, apart = m->panel_bytes;
    for (int k = 0; k < (int)(m->columns / 256); k++, panel += Q6K_BYTES) {
        for (int j = 0; j < 8; j++) {
            int b = k * 8 + j;
            const uint8_t *numbers = panel + Q6K_NUMBERS + j * 512;
            if (tokens == 1)
                for (int line = 0; line < 512; line += 64) __builtin_prefetch(numbers + Q6K_BYTES + line, 0, 0);
            // Products of a scale and a sum stay below 2^24, so their sum is exact in a float.
            f32x16 total[PRODUCTS];
            EACH_PANEL EACH_TOKEN total[AT(p, t)] = SPLAT(0.0f);
            for (int half = 0; half < 2; half++) {
                i32x16 sums[PRODUCTS];
                EACH_PANEL EACH_TOKEN sums[AT(p, t)] = spread(-32 * BLOCK(t)->sums[half]);
                for (int g = half * 4; g < half * 4 + 4; g++) {
                    u8x64 w[PANELS];
                    EACH_PANEL w[p] = LOAD(u8x64, numbers + p * apart + g * 64);
                    EACH_TOKEN {
                        int32_t a = word(BLOCK(t), g);
                        EACH_PANEL sums[AT(p, t)] = DOT_UNSIGNED(sums[AT(p, t)], w[p], a);
                    }
                }
                EACH_PANEL {
                    f32x16 scales = FLOATS(LOAD(i8x16, panel + p * apart + Q6K_SCALES + (j * 2 + half) * 16));
                    EACH_TOKEN total[AT(p, t)] += FLOATS(sums[AT(p, t)]) * scales;
                }
            }
            EACH_PANEL {
                f32x16 d = LOAD_HALVES(panel + p * apart);
                EACH_TOKEN result[AT(p, t)] += total[AT(p, t)] * (d * SPLAT(BLOCK(t)->scale));
            }
        }
    }
}

INLINE void product_scaled(const ik_matrix *m, const uint8_t *panel, const ik_block *x, f32x16 *result, const int tokens) {
    size_t stride = m->columns / 32;
    f32x16 plus[TILE];
    EACH_TOKEN plus[t] = SPLAT(0.0f);
    for (int b = 0; b < (int)stride; b++, panel += SCALED_BYTES)
        for (int half = 0; half < 2; half++) {
            i32x16 sums[TILE];
            EACH_TOKEN sums[t] = spread(0);
            for (int g = half * 4; g < half * 4 + 4; g++) {
                u8x64 w = LOAD(u8x64, panel + SCALED_NUMBERS + g * 64);
                EACH_TOKEN sums[t] = DOT_UNSIGNED(sums[t], w, word(BLOCK(t), g));
            }
            f32x16 scales = LOAD(f32x16, panel + half * 64), minima = LOAD(f32x16, panel + SCALED_MINIMA + half * 64);
            EACH_TOKEN {
                result[t] += FLOATS(sums[t]) * (scales * SPLAT(BLOCK(t)->scale));
                plus[t] += minima * SPLAT(BLOCK(t)->scale * (float)BLOCK(t)->sums[half]);
            }
        }
    EACH_TOKEN result[t] += plus[t];
}

INLINE f32x16 column(ik_form form, const uint8_t *panel, uint32_t c) {
    if (form == IK_FORM_F32) return LOAD(f32x16, panel + (size_t)c * 64);
    if (form == IK_FORM_F16) return LOAD_HALVES(panel + (size_t)c * 32);
    return (f32x16)(__builtin_convertvector(LOAD(u16x16, panel + (size_t)c * 32), u32x16) << 16);
}

/// Even and odd columns are summed apart, since one chain of additions would wait for itself.
INLINE void product_floats(
    const ik_matrix *m, const ik_form form, const uint8_t *panel, const float *x, f32x16 *result, const int tokens
) {
    f32x16 odd[TILE];
    EACH_TOKEN odd[t] = SPLAT(0.0f);
    for (uint32_t c = 0; c < m->columns; c += 2) {
        f32x16 first = column(form, panel, c), second = column(form, panel, c + 1);
        EACH_TOKEN {
            result[t] += first * SPLAT(x[(size_t)t * m->columns + c]);
            odd[t] += second * SPLAT(x[(size_t)t * m->columns + c + 1]);
        }
    }
    EACH_TOKEN result[t] += odd[t];
}

/// Up to PANELS panels with up to TILE tokens.
INLINE void tile(
    const ik_matrix *m, const uint8_t *panel, const float *x, const ik_block *blocks, float *out, size_t out_stride,
    const int panels, const int tokens
) {
    f32x16 result[PRODUCTS];
    EACH_PANEL EACH_TOKEN result[AT(p, t)] = SPLAT(0.0f);
#define ALONE(...) EACH_PANEL { const uint8_t *own = panel + p * m->panel_bytes; f32x16 *sums = result + AT(p, 0); __VA_ARGS__; }
    switch (m->form) {
    case IK_FORM_F32: ALONE(product_floats(m, IK_FORM_F32, own, x, sums, tokens)) break;
    case IK_FORM_F16: ALONE(product_floats(m, IK_FORM_F16, own, x, sums, tokens)) break;
    case IK_FORM_BF16: ALONE(product_floats(m, IK_FORM_BF16, own, x, sums, tokens)) break;
    case IK_FORM_Q8: product_q8(m, panel, blocks, result, panels, tokens); break;
    case IK_FORM_Q4: product_q4(m, panel, blocks, result, panels, tokens); break;
    case IK_FORM_Q4K: product_q4k(m, panel, blocks, result, panels, tokens); break;
    case IK_FORM_Q6K: product_q6k(m, panel, blocks, result, panels, tokens); break;
    case IK_FORM_SCALED: ALONE(product_scaled(m, own, blocks, sums, tokens)) break;
    }
#undef ALONE
    EACH_PANEL EACH_TOKEN STORE(out + (size_t)p * IK_LANES + (size_t)t * out_stride, result[AT(p, t)]);
}

/// Panels that stay in the second cache while the tokens pass.
enum { KEPT_PANELS = 4 };

static void matmul(
    const ik_matrix *m, const float *x, const ik_block *blocks, uint32_t tokens, float *out, size_t out_stride,
    uint32_t first_panel, uint32_t last_panel
) {
    for (uint32_t start = first_panel; start < last_panel; start += KEPT_PANELS) {
        uint32_t stop = start + KEPT_PANELS < last_panel ? start + KEPT_PANELS : last_panel, t = 0;
        // Each size is a constant for the compiler.
#define TILES(several, size)                                                                                        \
    for (; p + (several) <= stop; p += (several))                                                                   \
        tile(m, (const uint8_t *)m->panels + (size_t)p * m->panel_bytes, x + (size_t)t * m->columns,                \
             blocks + (size_t)t * (m->columns / 32), out + (size_t)p * IK_LANES + (size_t)t * out_stride, out_stride, \
             several, size)
#define ROWS_OF_TILES(size)                                                                                        \
    for (; t + (size) <= tokens; t += (size)) {                                                                    \
        uint32_t p = start;                                                                                        \
        if ((size) > 1) TILES(PANELS, size);                                                                       \
        TILES(1, size);                                                                                            \
    }
        ROWS_OF_TILES(TILE);
        ROWS_OF_TILES(TILE / 2);
        ROWS_OF_TILES(1);
#undef TILES
#undef ROWS_OF_TILES
    }
}

static void quantize(const float *x, uint32_t count, ik_block *out) {
    for (uint32_t b = 0; b < count / 32; b++, x += 32) {
        f32x16 a = LOAD(f32x16, x), c = LOAD(f32x16, x + 16);
        f32x16 magnitudes = larger((f32x16)((i32x16)a & 0x7fffffff), (f32x16)((i32x16)c & 0x7fffffff));
        float t[16], largest = 0;
        STORE(t, magnitudes);
        for (int i = 0; i < 16; i++) largest = t[i] > largest ? t[i] : largest;
        float inverse = largest > 0 ? 127.0f / largest : 0;
        out[b].scale = largest / 127.0f;
        for (int half = 0; half < 2; half++) {
            f32x16 v = (half ? c : a) * SPLAT(inverse);
            // Keeps NaN and infinity inside the range, the same way on every path.
            i32x16 below = v < SPLAT(127.0f);
            v = (f32x16)(((i32x16)v & below) | ((i32x16)SPLAT(127.0f) & ~below));
            i32x16 above = v > SPLAT(-127.0f);
            v = (f32x16)(((i32x16)v & above) | ((i32x16)SPLAT(-127.0f) & ~above));
            // Adding 1.5 * 2^23 rounds to the nearest integer, ties to even.
            i32x16 q = (i32x16)(v + SPLAT(12582912.0f)) - 0x4b400000;
            i8x16 bytes = __builtin_convertvector(q, i8x16);
            STORE(out[b].q + half * 16, bytes);
            int32_t lanes[16], sum = 0;
            STORE(lanes, q);
            for (int i = 0; i < 16; i++) sum += lanes[i];
            out[b].sums[half] = sum;
        }
        out[b].minus_sum = -(out[b].sums[0] + out[b].sums[1]);
    }
}

// MARK: - Norm, gate, attention

/// 16 floats from `x`, of which the first `count` exist; zeros for the rest.
INLINE f32x16 head_of(const float *x, uint32_t count) {
    f32x16 v = SPLAT(0.0f);
    memcpy(&v, x, (count < 16 ? count : 16) * 4);
    return v;
}

static void norm(const float *x, const float *weight, uint32_t count, float epsilon, float *out) {
    f32x16 squares = SPLAT(0.0f);
    uint32_t i = 0;
    for (; i + 16 <= count; i += 16) {
        f32x16 v = LOAD(f32x16, x + i);
        squares += v * v;
    }
    if (i < count) {
        f32x16 v = head_of(x + i, count - i);
        squares += v * v;
    }
    float factor = 1.0f / __builtin_elementwise_sqrt(lane_sum(squares) / (float)count + epsilon);
    for (i = 0; i < count; i++) out[i] = x[i] * factor * weight[i];
}

static void gate(float *values, const float *up, uint32_t count) {
    for (uint32_t i = 0; i < count; i += 16) {
        f32x16 v = LOAD(f32x16, values + i);
        STORE(values + i, v / (SPLAT(1.0f) + exponential(-v)) * LOAD(f32x16, up + i));
    }
}

// MARK: - Cache and attention

enum { PAGE_VECTORS = IK_PAGE_POSITIONS / 16, HEAD_SIZE = 256, HEAD_VECTORS = HEAD_SIZE / 16, STRIP = 4 };

/// Numbers of a head as halves, in whole vectors; NaN and what no half can hold become the largest.
static void halves(const float *x, uint32_t count, uint16_t *out) {
    for (uint32_t i = 0; i < count; i += 16) {
        f32x16 v = head_of(x + i, count - i);
        i32x16 below = v < SPLAT(65504.0f);
        v = (f32x16)(((i32x16)v & below) | ((i32x16)SPLAT(65504.0f) & ~below));
        i32x16 above = v > SPLAT(-65504.0f);
        v = (f32x16)(((i32x16)v & above) | ((i32x16)SPLAT(-65504.0f) & ~above));
        STORE_HALVES(out + i, v);
    }
}

/// Numbers of a head in blocks of 32, the last one filled up with zeros.
INLINE void blocks_of(const float *x, uint32_t count, ik_block *out) {
    float padded[HEAD_SIZE] = {0};
    memcpy(padded, x, count * sizeof(float));
    quantize(padded, (count + 31) / 32 * 32, out);
}

static void keep(
    const ik_head_layout *layout, uint32_t head_size, const float *key, const float *value, uint8_t *head, uint32_t place
) {
    switch (layout->type) {
    case IK_CACHE_F32: {
        float *keys = (float *)(void *)head, *values = (float *)(void *)(head + layout->values);
        for (uint32_t d = 0; d < head_size; d++) keys[(size_t)d * IK_PAGE_POSITIONS + place] = key[d];
        memcpy(values + (size_t)place * layout->value_stride, value, head_size * sizeof(float));
        break;
    }
    case IK_CACHE_F16: {
        uint16_t *keys = (uint16_t *)(void *)head, *values = (uint16_t *)(void *)(head + layout->values);
        uint16_t rounded[HEAD_SIZE];
        halves(key, head_size, rounded);
        for (uint32_t d = 0; d < head_size; d++) keys[(size_t)d * IK_PAGE_POSITIONS + place] = rounded[d];
        halves(value, head_size, rounded);
        memcpy(values + (size_t)place * layout->value_stride, rounded, head_size * sizeof(uint16_t));
        break;
    }
    case IK_CACHE_Q8: {
        uint32_t count = (head_size + 31) / 32;
        float *key_scales = (float *)(void *)(head + layout->key_scales);
        float *value_scales = (float *)(void *)(head + layout->value_scales) + (size_t)place * count;
        int8_t *keys = (int8_t *)head, *values = (int8_t *)head + layout->values + (size_t)place * layout->value_stride;
        ik_block blocks[HEAD_SIZE / 32];
        blocks_of(key, head_size, blocks);
        for (uint32_t d = 0; d < head_size; d++) keys[(size_t)d * IK_PAGE_POSITIONS + place] = blocks[d / 32].q[d % 32];
        for (uint32_t b = 0; b < count; b++) key_scales[b * IK_PAGE_POSITIONS + place] = blocks[b].scale;
        blocks_of(value, head_size, blocks);
        for (uint32_t b = 0; b < count; b++) {
            memcpy(values + b * 32, blocks[b].q, 32);
            value_scales[b] = blocks[b].scale;
        }
        break;
    }
    }
}

/// 16 numbers of the cache from number `index` on; those of IK_CACHE_Q8 without their scale.
INLINE f32x16 cached(const ik_cache_type type, const uint8_t *numbers, size_t index) {
    if (type == IK_CACHE_F32) return LOAD(f32x16, numbers + index * 4);
    if (type == IK_CACHE_F16) return LOAD_HALVES(numbers + index * 2);
    return FLOATS(LOAD(i8x16, numbers + index));
}

#define EACH_QUERY for (int q = 0; q < queries; q++)

/// The scores of `strip` vectors of positions from vector `v` of a page on, dimensions added in order.
INLINE void score(
    const ik_attention *job, const uint8_t *head, uint32_t v, float (*scores)[IK_PAGE_POSITIONS],
    const ik_cache_type type, const int queries, const int strip
) {
    f32x16 sums[QUERIES][STRIP], part[QUERIES][STRIP];
    EACH_QUERY for (int s = 0; s < strip; s++) sums[q][s] = part[q][s] = SPLAT(0.0f);
    for (uint32_t start = 0; start < job->head_size; start += 32) {
        uint32_t stop = start + 32 < job->head_size ? start + 32 : job->head_size;
        for (uint32_t d = start; d < stop; d++)
            for (int s = 0; s < strip; s++) {
                f32x16 keys = cached(type, head, (size_t)d * IK_PAGE_POSITIONS + (v + s) * 16);
                EACH_QUERY part[q][s] += keys * SPLAT(job->queries[(size_t)q * job->head_size + d]);
            }
        if (type != IK_CACHE_Q8) continue;
        for (int s = 0; s < strip; s++) {
            size_t at = ((size_t)(start / 32) * IK_PAGE_POSITIONS + (v + s) * 16) * sizeof(float);
            f32x16 scales = LOAD(f32x16, head + job->layout.key_scales + at);
            EACH_QUERY {
                sums[q][s] += part[q][s] * scales;
                part[q][s] = SPLAT(0.0f);
            }
        }
    }
    EACH_QUERY for (int s = 0; s < strip; s++)
        STORE(scores[q] + (v + s) * 16, (type == IK_CACHE_Q8 ? sums[q][s] : part[q][s]) * SPLAT(job->scale));
}

/// Adds the values at positions `first` ..< `end` of a page to `strip` vectors of the answer, positions in order.
INLINE void weigh(
    const ik_attention *job, const uint8_t *head, uint32_t i, uint32_t first, uint32_t end,
    const float (*weights)[IK_PAGE_POSITIONS], f32x16 (*out)[HEAD_VECTORS], const ik_cache_type type, const int queries,
    const int strip
) {
    f32x16 sums[QUERIES][STRIP];
    uint32_t blocks = job->layout.value_stride / 32;
    EACH_QUERY for (int s = 0; s < strip; s++) sums[q][s] = out[q][i + s];
    for (uint32_t p = first; p < end; p++)
        for (int s = 0; s < strip; s++) {
            f32x16 values = cached(type, head + job->layout.values, (size_t)p * job->layout.value_stride + (i + s) * 16);
            if (type == IK_CACHE_Q8) {
                size_t at = ((size_t)p * blocks + (i + s) / 2) * sizeof(float);
                values = values * SPLAT(LOAD(float, head + job->layout.value_scales + at));
            }
            EACH_QUERY sums[q][s] += values * SPLAT(weights[q][p]);
        }
    EACH_QUERY for (int s = 0; s < strip; s++) out[q][i + s] = sums[q][s];
}

/// Softmax of the scores and the weighted sum of values, page by page with a running maximum. Pages start at fixed
/// positions, so the order does not depend on how the prompt was cut into chunks.
INLINE void attend_with(const ik_attention *job, const ik_cache_type type, const int queries) {
    f32x16 out[QUERIES][HEAD_VECTORS];
    uint32_t vectors = (job->head_size + 15) / 16;
    float maximum[QUERIES], total[QUERIES];
    EACH_QUERY {
        for (uint32_t i = 0; i < vectors; i++) out[q][i] = SPLAT(0.0f);
        maximum[q] = -__builtin_inff();
        total[q] = 0;
    }
    for (uint32_t page = job->first / IK_PAGE_POSITIONS; page * IK_PAGE_POSITIONS < job->end; page++) {
        const uint8_t *head = job->pages[page] + job->head;
        uint32_t start = page * IK_PAGE_POSITIONS, first = job->first > start ? job->first - start : 0;
        uint32_t end = job->end - start < IK_PAGE_POSITIONS ? job->end - start : IK_PAGE_POSITIONS;
        float weights[QUERIES][IK_PAGE_POSITIONS];
        if (end > 32) {
            for (uint32_t v = 0; v < PAGE_VECTORS; v += STRIP) score(job, head, v, weights, type, queries, STRIP);
        } else {
            for (uint32_t v = 0; v * 16 < end; v++) score(job, head, v, weights, type, queries, 1);
        }
        EACH_QUERY {
            float *w = weights[q], highest = maximum[q];
            for (uint32_t i = first; i < end; i++) highest = w[i] > highest ? w[i] : highest;
            // Positions that the token does not see weigh nothing: e to the minus infinity is 0 here.
            for (uint32_t i = 0; i < first; i++) w[i] = -__builtin_inff();
            for (uint32_t i = end; i < IK_PAGE_POSITIONS; i++) w[i] = -__builtin_inff();
            f32x16 sums = SPLAT(0.0f);
            for (int v = 0; v < PAGE_VECTORS; v++) {
                f32x16 e = exponential(LOAD(f32x16, w + v * 16) - SPLAT(highest));
                STORE(w + v * 16, e);
                sums += e;
            }
            f32x16 fade = exponential(SPLAT(maximum[q] - highest));
            total[q] = total[q] * fade[0] + lane_sum(sums);
            maximum[q] = highest;
            for (uint32_t i = 0; i < vectors; i++) out[q][i] *= fade;
        }
        uint32_t i = 0;
        for (; i + STRIP <= vectors; i += STRIP)
            weigh(job, head, i, first, end, (const float (*)[IK_PAGE_POSITIONS])weights, out, type, queries, STRIP);
        for (; i < vectors; i++)
            weigh(job, head, i, first, end, (const float (*)[IK_PAGE_POSITIONS])weights, out, type, queries, 1);
    }
    EACH_QUERY {
        float inverse = 1.0f / total[q], result[HEAD_SIZE];
        for (uint32_t i = 0; i < vectors; i++) STORE(result + i * 16, out[q][i] * SPLAT(inverse));
        memcpy(job->out + (size_t)q * job->head_size, result, job->head_size * 4);
    }
}

INLINE void attend_in(const ik_attention *all, const ik_cache_type type) {
    ik_attention job = *all;
    for (; job.count >= QUERIES; job.count -= QUERIES) {
        attend_with(&job, type, QUERIES);
        job.queries += (size_t)QUERIES * job.head_size;
        job.out += (size_t)QUERIES * job.head_size;
    }
    for (; job.count > 0; job.count--) {
        attend_with(&job, type, 1);
        job.queries += job.head_size;
        job.out += job.head_size;
    }
}

static void attend(const ik_attention *job) {
    switch (job->layout.type) {
    case IK_CACHE_F32: attend_in(job, IK_CACHE_F32); break;
    case IK_CACHE_F16: attend_in(job, IK_CACHE_F16); break;
    case IK_CACHE_Q8: attend_in(job, IK_CACHE_Q8); break;
    }
}

const ik_kernels KERNELS = {matmul, quantize, norm, gate, halves, keep, attend};
