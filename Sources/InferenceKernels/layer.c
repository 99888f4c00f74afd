#include "blocks.h"
#include "kernels.h"
#include "products.h"
#include <stdlib.h>
#include "exact.h"

static size_t padded(size_t count) { return (count + 15) / 16 * 16; }

struct ik_workspace {
    void *memory;
    size_t bytes;
    /// Floats and their blocks for the widest vector of a chunk.
    float *normed;
    ik_block *blocks;
    float *q, *k, *v, *attended, *projected, *gate, *up;
    float *sines, *cosines;
    size_t q_stride, kv_stride, feed_stride;
    /// The batch: for each token its position and the pages of its sequence.
    uint32_t tokens;
    uint32_t *positions;
    void *const **pages;
    ik_head_layout layout;
};

ik_workspace *ik_workspace_create(const ik_shape *shape, uint32_t tokens) {
    ik_workspace *w = calloc(1, sizeof *w);
    if (!w) return NULL;
    size_t n = tokens, width = shape->width, feed = padded(shape->feed_forward);
    size_t q = padded((size_t)shape->heads * shape->head_size), kv = padded((size_t)shape->kv_heads * shape->head_size);
    size_t widest = width > feed ? width : feed;
    if (q > widest) widest = q;
    size_t floats[] = {width, q, kv, kv, q, padded(width), feed, feed, shape->rotated / 2, shape->rotated / 2};
    float **buffers[] = {&w->normed, &w->q, &w->k, &w->v, &w->attended, &w->projected, &w->gate, &w->up, &w->sines, &w->cosines};
    enum { COUNT = sizeof floats / sizeof floats[0] };
    size_t block_bytes = n * (widest / 32 + 1) * sizeof(ik_block);
    w->positions = calloc(n, sizeof *w->positions);
    w->pages = calloc(n, sizeof *w->pages);
    w->bytes = (block_bytes + 63) / 64 * 64;
    for (int i = 0; i < COUNT; i++) w->bytes += padded(n * floats[i]) * sizeof(float);
    char *next = w->memory = ik_allocate(w->bytes);
    if (!next || !w->positions || !w->pages) {
        ik_workspace_destroy(w);
        return NULL;
    }
    w->blocks = (ik_block *)(void *)next;
    next += (block_bytes + 63) / 64 * 64;
    for (int i = 0; i < COUNT; i++) {
        *buffers[i] = (float *)(void *)next;
        next += padded(n * floats[i]) * sizeof(float);
    }
    w->q_stride = q;
    w->kv_stride = kv;
    w->feed_stride = feed;
    return w;
}

void ik_workspace_destroy(ik_workspace *workspace) {
    if (!workspace) return;
    ik_release(workspace->memory, workspace->bytes);
    free(workspace->positions);
    free(workspace->pages);
    free(workspace);
}

static ik_head_layout layout_of(const ik_shape *shape, ik_cache_type type) {
    size_t size = shape->head_size, positions = IK_PAGE_POSITIONS;
    if (type == IK_CACHE_Q8) {
        size_t blocks = (size + 31) / 32, keys = size * positions, scales = blocks * positions * sizeof(float);
        size_t values = keys + scales, value_scales = values + blocks * 32 * positions;
        return (ik_head_layout){type, (uint32_t)blocks * 32, keys, values, value_scales, value_scales + scales};
    }
    size_t number = type == IK_CACHE_F16 ? 2 : 4, values = size * positions * number;
    return (ik_head_layout){type, (uint32_t)padded(size), values, values, values, values + padded(size) * positions * number};
}

size_t ik_page_bytes(const ik_shape *shape, ik_cache_type type) { return shape->kv_heads * layout_of(shape, type).bytes; }

void ik_embed(const ik_matrix *embeddings, const int32_t *tokens, uint32_t count, float *hidden) {
    for (uint32_t t = 0; t < count; t++) ik_row(embeddings, (uint32_t)tokens[t], hidden + (size_t)t * embeddings->columns);
}

void ik_batch_begin(
    ik_workspace *workspace, const ik_shape *shape, ik_cache_type type, const double *frequencies,
    const ik_segment *segments, uint32_t count
) {
    uint32_t half = shape->rotated / 2, t = 0;
    for (uint32_t segment = 0; segment < count; segment++)
        for (uint32_t i = 0; i < segments[segment].count; i++, t++) {
            workspace->positions[t] = segments[segment].position + i;
            workspace->pages[t] = segments[segment].pages;
            for (uint32_t pair = 0; pair < half; pair++) {
                double sine, cosine;
                ik_sincos((double)workspace->positions[t] * frequencies[pair], &sine, &cosine);
                workspace->sines[(size_t)t * half + pair] = (float)sine * shape->magnitude;
                workspace->cosines[(size_t)t * half + pair] = (float)cosine * shape->magnitude;
            }
        }
    workspace->tokens = t;
    workspace->layout = layout_of(shape, type);
}

/// What the steps of one layer share.
typedef struct {
    const ik_kernels *kernels;
    const ik_shape *shape;
    const ik_layer *layer;
    ik_workspace *w;
    float *hidden;
    size_t layer_offset;
} step;

static void rotate(const step *s, uint32_t t, float *head) {
    uint32_t half = s->shape->rotated / 2, first = s->shape->rotates_halves ? 1 : 2;
    uint32_t apart = s->shape->rotates_halves ? half : 1;
    const float *sines = s->w->sines + (size_t)t * half, *cosines = s->w->cosines + (size_t)t * half;
    for (uint32_t i = 0; i < half; i++) {
        float a = head[i * first], b = head[i * first + apart];
        head[i * first] = a * cosines[i] - b * sines[i];
        head[i * first + apart] = a * sines[i] + b * cosines[i];
    }
}

static void add(float *x, const float *y, size_t count) {
    if (!y) return;
    for (size_t i = 0; i < count; i++) x[i] += y[i];
}

/// The first norm, rounded for the products that follow.
static void before_attention(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t width = s->shape->width;
    for (uint32_t t = first; t < last; t++) {
        float *normed = s->w->normed + (size_t)t * width;
        s->kernels->norm(s->hidden + (size_t)t * width, s->layer->attention_norm, width, s->shape->epsilon, normed);
        s->kernels->quantize(normed, width, s->w->blocks + (size_t)t * (width / 32));
    }
}

/// Biases, head norms and rotation of a token's queries and keys; its keys and values go to the cache.
static void into_cache(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    const ik_shape *shape = s->shape;
    uint32_t size = shape->head_size;
    const ik_head_layout *layout = &s->w->layout;
    for (uint32_t t = first; t < last; t++) {
        float *q = s->w->q + t * s->w->q_stride, *k = s->w->k + t * s->w->kv_stride, *v = s->w->v + t * s->w->kv_stride;
        add(q, s->layer->q_bias, (size_t)shape->heads * size);
        add(k, s->layer->k_bias, (size_t)shape->kv_heads * size);
        add(v, s->layer->v_bias, (size_t)shape->kv_heads * size);
        for (uint32_t h = 0; h < shape->heads; h++) {
            float *head = q + (size_t)h * size;
            if (s->layer->q_norm) s->kernels->norm(head, s->layer->q_norm, size, shape->epsilon, head);
            rotate(s, t, head);
        }
        uint32_t position = s->w->positions[t];
        uint8_t *head = (uint8_t *)s->w->pages[t][position / IK_PAGE_POSITIONS] + s->layer_offset;
        for (uint32_t h = 0; h < shape->kv_heads; h++, head += layout->bytes, k += size, v += size) {
            if (s->layer->k_norm) s->kernels->norm(k, s->layer->k_norm, size, shape->epsilon, k);
            rotate(s, t, k);
            s->kernels->keep(layout, size, k, v, head, position % IK_PAGE_POSITIONS);
        }
    }
}

static void attention(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    const ik_shape *shape = s->shape;
    uint32_t group = shape->heads / shape->kv_heads, size = shape->head_size;
    for (uint32_t item = first; item < last; item++) {
        uint32_t t = item / shape->kv_heads, h = item % shape->kv_heads, end = s->w->positions[t] + 1;
        size_t at = (size_t)h * group * size;
        ik_attention job = {
            .layout = s->w->layout,
            .queries = s->w->q + t * s->w->q_stride + at,
            .count = group,
            .pages = (const uint8_t *const *)s->w->pages[t],
            .head = s->layer_offset + h * s->w->layout.bytes,
            .head_size = size,
            .first = shape->window && end > shape->window ? end - shape->window : 0,
            .end = end,
            .scale = 1.0f / __builtin_elementwise_sqrt((float)size),
            .out = s->w->attended + (size_t)t * shape->heads * size + at,
        };
        s->kernels->attend(&job);
    }
}

static void round_attended(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    size_t count = (size_t)s->shape->heads * s->shape->head_size;
    for (uint32_t t = first; t < last; t++)
        s->kernels->quantize(s->w->attended + t * count, (uint32_t)count, s->w->blocks + t * (count / 32));
}

/// Adds what attention said, then the second norm.
static void before_feed_forward(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t width = s->shape->width;
    for (uint32_t t = first; t < last; t++) {
        float *hidden = s->hidden + (size_t)t * width, *normed = s->w->normed + (size_t)t * width;
        add(hidden, s->w->projected + t * padded(width), width);
        s->kernels->norm(hidden, s->layer->feed_forward_norm, width, s->shape->epsilon, normed);
        s->kernels->quantize(normed, width, s->w->blocks + (size_t)t * (width / 32));
    }
}

static void apply_gate(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t count = s->shape->feed_forward;
    for (uint32_t t = first; t < last; t++) {
        float *gate = s->w->gate + t * s->w->feed_stride;
        s->kernels->gate(gate, s->w->up + t * s->w->feed_stride, count);
        s->kernels->quantize(gate, count, s->w->blocks + (size_t)t * (count / 32));
    }
}

static void add_projected(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    uint32_t width = s->shape->width;
    for (uint32_t t = first; t < last; t++) add(s->hidden + (size_t)t * width, s->w->projected + t * padded(width), width);
}

void ik_layer_forward(
    ik_pool *pool, const ik_shape *shape, const ik_layer *layer, ik_workspace *w, float *hidden, uint32_t slot
) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(pool));
    uint32_t count = w->tokens;
    step s = {kernels, shape, layer, w, hidden, slot * shape->kv_heads * w->layout.bytes};
    ik_pool_run(pool, before_attention, &s, count, 4);
    ik_products qkv = {
        pool, w->normed, w->blocks, count, 3, {&layer->q, &layer->k, &layer->v}, {w->q, w->k, w->v},
        {w->q_stride, w->kv_stride, w->kv_stride}
    };
    ik_products_run(pool, &qkv);
    ik_pool_run(pool, into_cache, &s, count, 4);
    ik_pool_run(pool, attention, &s, count * shape->kv_heads, 1);
    ik_pool_run(pool, round_attended, &s, count, 4);
    ik_products output = {pool, w->attended, w->blocks, count, 1, {&layer->output}, {w->projected}, {padded(shape->width)}};
    ik_products_run(pool, &output);
    ik_pool_run(pool, before_feed_forward, &s, count, 4);
    ik_products feed = {
        pool, w->normed, w->blocks, count, 2, {&layer->gate, &layer->up}, {w->gate, w->up},
        {w->feed_stride, w->feed_stride}
    };
    ik_products_run(pool, &feed);
    ik_pool_run(pool, apply_gate, &s, count, 4);
    ik_products down = {pool, w->gate, w->blocks, count, 1, {&layer->down}, {w->projected}, {padded(shape->width)}};
    ik_products_run(pool, &down);
    ik_pool_run(pool, add_projected, &s, count, 8);
}

void ik_logits(
    ik_pool *pool, const ik_shape *shape, const float *weight, const ik_matrix *output, ik_workspace *w,
    const float *hidden, const uint32_t *tokens, uint32_t count, float *logits, size_t stride
) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(pool));
    uint32_t width = shape->width;
    for (uint32_t i = 0; i < count; i++) {
        float *normed = w->normed + (size_t)i * width;
        kernels->norm(hidden + (size_t)tokens[i] * width, weight, width, shape->epsilon, normed);
        kernels->quantize(normed, width, w->blocks + (size_t)i * (width / 32));
    }
    ik_products products = {pool, w->normed, w->blocks, count, 1, {output}, {logits}, {stride}};
    ik_products_run(pool, &products);
}
