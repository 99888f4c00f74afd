#include "blocks.h"
#include "products.h"
#include <stdlib.h>
#pragma STDC FP_CONTRACT OFF

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
    w->bytes = (block_bytes + 63) / 64 * 64;
    for (int i = 0; i < COUNT; i++) w->bytes += padded(n * floats[i]) * sizeof(float);
    char *next = w->memory = ik_allocate(w->bytes);
    if (!next) {
        free(w);
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
    free(workspace);
}

// A page holds, per layer and head, keys as [head_size][64] (a position is a lane) and values as [64][padded size].
static size_t head_keys(const ik_shape *shape) { return (size_t)shape->head_size * IK_PAGE_POSITIONS; }
static size_t head_values(const ik_shape *shape) { return padded(shape->head_size) * IK_PAGE_POSITIONS; }

size_t ik_page_floats(const ik_shape *shape) { return shape->kv_heads * (head_keys(shape) + head_values(shape)); }

void ik_embed(const ik_matrix *embeddings, const int32_t *tokens, uint32_t count, float *hidden) {
    for (uint32_t t = 0; t < count; t++) ik_row(embeddings, (uint32_t)tokens[t], hidden + (size_t)t * embeddings->columns);
}

void ik_rotations(
    ik_workspace *workspace, const ik_shape *shape, const double *frequencies, uint32_t position, uint32_t count
) {
    uint32_t half = shape->rotated / 2;
    for (uint32_t t = 0; t < count; t++)
        for (uint32_t i = 0; i < half; i++) {
            double sine, cosine;
            ik_sincos((double)(position + t) * frequencies[i], &sine, &cosine);
            workspace->sines[(size_t)t * half + i] = (float)sine;
            workspace->cosines[(size_t)t * half + i] = (float)cosine;
        }
}

/// What the steps of one layer share.
typedef struct {
    const ik_kernels *kernels;
    const ik_shape *shape;
    const ik_layer *layer;
    ik_workspace *w;
    float *hidden;
    uint32_t count, position;
    float *const *pages;
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
    size_t value_stride = padded(size), head_floats = head_keys(shape) + head_values(shape);
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
        uint32_t position = s->position + t, place = position % IK_PAGE_POSITIONS;
        float *page = s->pages[position / IK_PAGE_POSITIONS] + s->layer_offset;
        for (uint32_t h = 0; h < shape->kv_heads; h++, page += head_floats) {
            float *head = k + (size_t)h * size;
            if (s->layer->k_norm) s->kernels->norm(head, s->layer->k_norm, size, shape->epsilon, head);
            rotate(s, t, head);
            for (uint32_t d = 0; d < size; d++) page[(size_t)d * IK_PAGE_POSITIONS + place] = head[d];
            memcpy(page + head_keys(shape) + place * value_stride, v + (size_t)h * size, size * sizeof(float));
        }
    }
}

static void attention(const void *argument, uint32_t first, uint32_t last) {
    const step *s = argument;
    const ik_shape *shape = s->shape;
    size_t head_floats = head_keys(shape) + head_values(shape);
    for (uint32_t item = first; item < last; item++) {
        uint32_t t = item / shape->heads, h = item % shape->heads;
        size_t keys = s->layer_offset + h / (shape->heads / shape->kv_heads) * head_floats;
        ik_attention job = {
            .query = s->w->q + t * s->w->q_stride + (size_t)h * shape->head_size,
            .pages = (const float *const *)s->pages,
            .keys = keys,
            .values = keys + head_keys(shape),
            .head_size = shape->head_size,
            .value_stride = (uint32_t)padded(shape->head_size),
            .positions = s->position + t + 1,
            .scale = 1.0f / __builtin_elementwise_sqrt((float)shape->head_size),
            .out = s->w->attended + (size_t)t * shape->heads * shape->head_size + (size_t)h * shape->head_size,
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

static void add_projected(const step *s) {
    for (uint32_t t = 0; t < s->count; t++)
        add(s->hidden + (size_t)t * s->shape->width, s->w->projected + t * padded(s->shape->width), s->shape->width);
}

void ik_layer_forward(
    ik_pool *pool, const ik_shape *shape, const ik_layer *layer, ik_workspace *w, float *hidden, uint32_t count,
    uint32_t position, float *const *pages, uint32_t slot
) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(pool));
    step s = {kernels, shape, layer, w, hidden, count, position, pages, slot * ik_page_floats(shape)};
    ik_pool_run(pool, before_attention, &s, count, 4);
    ik_products qkv = {
        kernels, w->normed, w->blocks, count, 3, {&layer->q, &layer->k, &layer->v}, {w->q, w->k, w->v},
        {w->q_stride, w->kv_stride, w->kv_stride}
    };
    ik_products_run(pool, &qkv);
    ik_pool_run(pool, into_cache, &s, count, 4);
    ik_pool_run(pool, attention, &s, count * shape->heads, 4);
    ik_pool_run(pool, round_attended, &s, count, 4);
    ik_products output = {kernels, w->attended, w->blocks, count, 1, {&layer->output}, {w->projected}, {padded(shape->width)}};
    ik_products_run(pool, &output);
    ik_pool_run(pool, before_feed_forward, &s, count, 4);
    ik_products feed = {
        kernels, w->normed, w->blocks, count, 2, {&layer->gate, &layer->up}, {w->gate, w->up},
        {w->feed_stride, w->feed_stride}
    };
    ik_products_run(pool, &feed);
    ik_pool_run(pool, apply_gate, &s, count, 4);
    ik_products down = {kernels, w->gate, w->blocks, count, 1, {&layer->down}, {w->projected}, {padded(shape->width)}};
    ik_products_run(pool, &down);
    add_projected(&s);
}

void ik_logits(
    ik_pool *pool, const ik_shape *shape, const float *weight, const ik_matrix *output, ik_workspace *w,
    const float *hidden, float *logits
) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(pool));
    kernels->norm(hidden, weight, shape->width, shape->epsilon, w->normed);
    kernels->quantize(w->normed, shape->width, w->blocks);
    ik_products products = {kernels, w->normed, w->blocks, 1, 1, {output}, {logits}, {padded(output->rows)}};
    ik_products_run(pool, &products);
}
