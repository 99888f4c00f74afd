#include "blocks.h"
#include "kernels.h"
#include "lanes.h"
#include "products.h"
#include <stdlib.h>
#include "exact.h"

/// One head of one sequence: every token sees all `count` tokens.
typedef struct {
    const float *queries, *values;  ///< Of the first token; `stride` apart.
    const float *keys;              ///< [head_size][key_stride]: a position is a lane.
    float *scores, *out;
    size_t stride, key_stride;
    uint32_t count, head_size;
    float scale;
} attention;

#define NAME(name) portable_##name
#include "bert_loops.h"
#undef NAME
#if defined(__x86_64__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#define NAME(name) avx2_##name
#include "bert_loops.h"
#undef NAME
#pragma clang attribute pop
#pragma clang attribute push(__attribute__((target("avx2,avx512f,avx512bw,avx512vl,avx512dq"))), apply_to = function)
#define NAME(name) avx512_##name
#include "bert_loops.h"
#undef NAME
#pragma clang attribute pop
#endif

typedef struct {
    void (*layer_norm)(float *x, const float *weight, const float *bias, uint32_t count, float epsilon);
    void (*gelu)(float *x, const float *bias, uint32_t count);
    void (*attend)(const attention *job);
} loops;

static const loops portable_loops = {portable_layer_norm, portable_gelu, portable_attend};
#if defined(__x86_64__)
static const loops avx2_loops = {avx2_layer_norm, avx2_gelu, avx2_attend};
static const loops avx512_loops = {avx512_layer_norm, avx512_gelu, avx512_attend};
#endif

static const loops *loops_of(ik_path path) {
#if defined(__x86_64__)
    if (path == IK_PATH_AVX512) return &avx512_loops;
    if (path == IK_PATH_AVX2 || path == IK_PATH_AVXVNNI) return &avx2_loops;
#endif
    (void)path;
    return &portable_loops;
}

// MARK: - Buffers

struct ik_encoder {
    void *memory;
    size_t bytes;
    ik_block *blocks;
    float *q, *k, *v, *keys, *scores, *attended, *projected, *up;
    /// Room for all positions, each sequence's rounded up to 16.
    size_t key_stride;
};

ik_encoder *ik_encoder_create(const ik_encoder_shape *shape, uint32_t tokens, uint32_t sequences) {
    ik_encoder *e = calloc(1, sizeof *e);
    if (!e) return NULL;
    size_t n = tokens, width = shape->width, feed = shape->feed_forward, lanes = ((n + 15) / 16 + sequences) * 16;
    // Vectors of 16 are read past the last value.
    size_t floats[] = {n * width, n * width, n * width + 16, lanes * width, lanes * shape->heads, n * width, n * width, n * feed};
    float **buffers[] = {&e->q, &e->k, &e->v, &e->keys, &e->scores, &e->attended, &e->projected, &e->up};
    enum { COUNT = sizeof floats / sizeof floats[0] };
    size_t block_bytes = n * ((width > feed ? width : feed) / 32) * sizeof(ik_block);
    block_bytes = (block_bytes + 63) / 64 * 64;
    e->bytes = block_bytes;
    for (int i = 0; i < COUNT; i++) e->bytes += floats[i] * sizeof(float);
    char *next = e->memory = ik_allocate(e->bytes);
    if (!next) {
        free(e);
        return NULL;
    }
    e->blocks = (ik_block *)(void *)next;
    next += block_bytes;
    for (int i = 0; i < COUNT; i++) {
        *buffers[i] = (float *)(void *)next;
        next += floats[i] * sizeof(float);
    }
    e->key_stride = lanes;
    return e;
}

void ik_encoder_destroy(ik_encoder *encoder) {
    if (!encoder) return;
    ik_release(encoder->memory, encoder->bytes);
    free(encoder);
}

// MARK: - Steps

/// What the steps of one layer share.
typedef struct {
    const ik_kernels *kernels;
    const loops *loops;
    const ik_encoder_shape *shape;
    const ik_encoder_layer *layer;
    ik_encoder *e;
    float *hidden;
    const uint32_t *starts;
    uint32_t sequences, count;
} step;

static void add(float *x, const float *y, size_t count) {
    if (!y) return;
    for (size_t i = 0; i < count; i++) x[i] += y[i];
}

/// Where the lanes of a sequence begin: each sequence before it takes whole vectors.
static size_t first_lane(const step *s, uint32_t sequence) {
    size_t lane = 0;
    for (uint32_t i = 0; i < sequence; i++) lane += (s->starts[i + 1] - s->starts[i] + 15) / 16 * 16;
    return lane;
}

static void round_hidden(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t width = s->shape->width;
    for (uint32_t t = first; t < last; t++)
        s->kernels->quantize(s->hidden + (size_t)t * width, width, s->e->blocks + (size_t)t * (width / 32));
}

static void add_biases(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    size_t width = s->shape->width;
    for (uint32_t t = first; t < last; t++) {
        add(s->e->q + t * width, s->layer->q_bias, width);
        add(s->e->k + t * width, s->layer->k_bias, width);
        add(s->e->v + t * width, s->layer->v_bias, width);
    }
}

static void attend(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    const ik_encoder_shape *shape = s->shape;
    uint32_t size = shape->width / shape->heads;
    for (uint32_t item = first; item < last; item++) {
        uint32_t sequence = item / shape->heads, h = item % shape->heads;
        uint32_t start = s->starts[sequence], count = s->starts[sequence + 1] - start;
        size_t lane = first_lane(s, sequence), at = (size_t)start * shape->width + (size_t)h * size;
        float *keys = s->e->keys + (size_t)h * size * s->e->key_stride + lane;
        for (uint32_t d = 0; d < size; d++)
            for (uint32_t t = 0; t < count; t++)
                keys[d * s->e->key_stride + t] = s->e->k[at + (size_t)t * shape->width + d];
        attention job = {
            .queries = s->e->q + at,
            .values = s->e->v + at,
            .keys = keys,
            .scores = s->e->scores + h * s->e->key_stride + lane,
            .out = s->e->attended + at,
            .stride = shape->width,
            .key_stride = s->e->key_stride,
            .count = count,
            .head_size = size,
            .scale = 1.0f / __builtin_elementwise_sqrt((float)size),
        };
        s->loops->attend(&job);
    }
}

static void round_attended(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t width = s->shape->width;
    for (uint32_t t = first; t < last; t++)
        s->kernels->quantize(s->e->attended + (size_t)t * width, width, s->e->blocks + (size_t)t * (width / 32));
}

static void join(const step *s, uint32_t t, const float *bias, const float *weight, const float *shift) {
    size_t width = s->shape->width;
    float *hidden = s->hidden + t * width;
    add(hidden, s->e->projected + t * width, width);
    add(hidden, bias, width);
    s->loops->layer_norm(hidden, weight, shift, (uint32_t)width, s->shape->epsilon);
    s->kernels->quantize(hidden, (uint32_t)width, s->e->blocks + t * (width / 32));
}

static void join_attended(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    for (uint32_t t = first; t < last; t++)
        join(s, t, s->layer->output_bias, s->layer->attention_norm, s->layer->attention_norm_bias);
}

static void activate(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t count = s->shape->feed_forward;
    for (uint32_t t = first; t < last; t++) {
        float *up = s->e->up + (size_t)t * count;
        s->loops->gelu(up, s->layer->up_bias, count);
        s->kernels->quantize(up, count, s->e->blocks + (size_t)t * (count / 32));
    }
}

static void join_fed(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    for (uint32_t t = first; t < last; t++)
        join(s, t, s->layer->down_bias, s->layer->output_norm, s->layer->output_norm_bias);
}

void ik_encoder_begin(
    ik_pool *pool, const ik_encoder_shape *shape, const ik_encoder_table *table, ik_encoder *e, const int32_t *tokens,
    const uint32_t *starts, uint32_t sequences, float *hidden
) {
    const loops *l = loops_of(ik_pool_path(pool));
    size_t width = shape->width;
    for (uint32_t s = 0; s < sequences; s++)
        for (uint32_t t = starts[s]; t < starts[s + 1]; t++) {
            float *x = hidden + t * width, *row = e->projected;
            ik_row(&table->tokens, (uint32_t)tokens[t], x);
            ik_row(&table->positions, t - starts[s], row);
            add(x, row, width);
            add(x, table->type, width);
            l->layer_norm(x, table->norm, table->norm_bias, shape->width, shape->epsilon);
        }
}

void ik_encoder_layer_forward(
    ik_pool *pool, const ik_encoder_shape *shape, const ik_encoder_layer *layer, ik_encoder *e, float *hidden,
    const uint32_t *starts, uint32_t sequences
) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(pool));
    uint32_t count = starts[sequences];
    size_t width = shape->width;
    step s = {kernels, loops_of(ik_pool_path(pool)), shape, layer, e, hidden, starts, sequences, count};
    ik_pool_run(pool, round_hidden, &s, count, 8);
    ik_products qkv = {
        pool, hidden, e->blocks, count, 3, {&layer->q, &layer->k, &layer->v}, {e->q, e->k, e->v}, {width, width, width}
    };
    ik_products_run(pool, &qkv);
    ik_pool_run(pool, add_biases, &s, count, 8);
    ik_pool_run(pool, attend, &s, sequences * shape->heads, 1);
    ik_pool_run(pool, round_attended, &s, count, 8);
    ik_products output = {pool, e->attended, e->blocks, count, 1, {&layer->output}, {e->projected}, {width}};
    ik_products_run(pool, &output);
    ik_pool_run(pool, join_attended, &s, count, 8);
    ik_products up = {pool, hidden, e->blocks, count, 1, {&layer->up}, {e->up}, {shape->feed_forward}};
    ik_products_run(pool, &up);
    ik_pool_run(pool, activate, &s, count, 8);
    ik_products down = {pool, e->up, e->blocks, count, 1, {&layer->down}, {e->projected}, {width}};
    ik_products_run(pool, &down);
    ik_pool_run(pool, join_fed, &s, count, 8);
}

// MARK: - Parts, for tests

void ik_gelu(ik_path path, float *x, uint32_t count) { loops_of(path)->gelu(x, NULL, count); }

void ik_norms(
    ik_pool *pool, const float *weight, uint32_t width, float epsilon, const float *hidden, uint32_t count, float *out
) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(pool));
    for (uint32_t t = 0; t < count; t++)
        kernels->norm(hidden + (size_t)t * width, weight, width, epsilon, out + (size_t)t * width);
}
