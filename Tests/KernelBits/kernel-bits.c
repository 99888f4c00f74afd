// Prints hashes of what the kernels compute on each path that the processor has, one line each: path, what, hash.
// scripts/kernel-bits.sh builds it for this machine and for 64-bit Arm, and compares.
#include "InferenceKernels.h"
#include "exact.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WIDTH = 256, HEADS = 4, KV_HEADS = 2, HEAD_SIZE = 64, FEED = 512, LAYERS = 2, TOKENS = 70, PAGES = 2 };

static uint64_t state;
static uint32_t next(void) {  // splitmix64
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(z >> 32);
}
static float fraction(void) { return (float)(next() >> 8) * 0x1p-23f - 1; }

static void *need(size_t bytes) {
    void *memory = ik_allocate(bytes);
    if (!memory) exit(2);
    return memory;
}

/// What a block of each type takes, and where its scales are: halves that must be small numbers.
static const struct { const char *name; uint32_t type, length, bytes; int scales[2]; } types[] = {
    {"f32", 0, 1, 4, {-1, -1}},       {"f16", 1, 1, 2, {0, -1}},        {"q4_0", 2, 32, 18, {0, -1}},
    {"q4_1", 3, 32, 20, {0, 2}},      {"q5_0", 6, 32, 22, {0, -1}},     {"q5_1", 7, 32, 24, {0, 2}},
    {"q8_0", 8, 32, 34, {0, -1}},     {"q2_k", 10, 256, 84, {80, 82}},  {"q3_k", 11, 256, 110, {108, -1}},
    {"q4_k", 12, 256, 144, {0, 2}},   {"q5_k", 13, 256, 176, {0, 2}},   {"q6_k", 14, 256, 210, {208, -1}},
    {"iq4_nl", 20, 32, 18, {0, -1}},
};
enum { TYPES = sizeof types / sizeof types[0] };

static ik_matrix matrix(ik_pool *pool, int t, uint32_t rows, uint32_t columns) {
    ik_matrix m = {0};
    size_t blocks = (size_t)rows * columns / types[t].length, size = blocks * types[t].bytes;
    uint8_t *source = need(size);
    for (size_t b = 0; b < blocks; b++) {
        uint8_t *block = source + b * types[t].bytes;
        for (uint32_t i = 0; i < types[t].bytes; i++) block[i] = (uint8_t)next();
        float value = fraction() * 0.1f;
        if (types[t].type == 0) memcpy(block, &value, 4);
        for (int i = 0; i < 2; i++) {
            // A half between 2^-10 and 2^-7, of either sign.
            uint16_t half = (uint16_t)(0x1400 + next() % 0xc00 + (next() & 0x8000));
            if (types[t].scales[i] >= 0) memcpy(block + types[t].scales[i], &half, 2);
        }
    }
    m.form = (ik_form)ik_form_of(types[t].type);
    m.rows = rows;
    m.columns = columns;
    m.panel_bytes = ik_panel_bytes(m.form, columns);
    m.type = types[t].type;
    m.row_bytes = (size_t)columns / types[t].length * types[t].bytes;
    m.source = source;
    if (!ik_repack(pool, &m, need(m.panel_bytes * ((rows + 15) / 16)))) exit(3);
    return m;
}

static void report(int path, const char *what, const float *x, size_t count) {
    uint64_t hash = 0xcbf29ce484222325u;
    for (size_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, x + i, 4);
        hash = (hash ^ bits) * 0x100000001b3u;
    }
    printf("%d %s %016" PRIx64 "\n", path, what, hash);
}

static void products(int path, ik_pool *pool) {
    for (int t = 0; t < TYPES; t++) {
        enum { ROWS = 50, COLUMNS = 512, COUNT = 7, STRIDE = 64 };
        state = 100 + (uint64_t)t;
        ik_matrix m = matrix(pool, t, ROWS, COLUMNS);
        float x[COUNT * COLUMNS], out[COUNT * STRIDE] = {0};
        ik_block blocks[COUNT * COLUMNS / 32];
        for (int i = 0; i < COUNT * COLUMNS; i++) x[i] = fraction();
        ik_quantize(x, COUNT * COLUMNS, blocks);
        ik_matmul(pool, &m, x, blocks, COUNT, out, STRIDE);
        report(path, types[t].name, out, COUNT * STRIDE);
    }
}

static void layers(int path, ik_pool *pool, ik_cache_type type, const char *name) {
    const ik_shape shape = {WIDTH, HEADS, KV_HEADS, HEAD_SIZE, HEAD_SIZE, FEED, 1e-5f, false, 0, 1};
    enum { Q8_0 = 6, Q6_K = 11 };
    state = 7;
    float norm[WIDTH];
    for (int i = 0; i < WIDTH; i++) norm[i] = 1 + fraction() * 0.1f;
    ik_layer stack[LAYERS];
    for (int l = 0; l < LAYERS; l++)
        stack[l] = (ik_layer){
            .attention_norm = norm, .feed_forward_norm = norm,
            .q = matrix(pool, Q8_0, HEADS * HEAD_SIZE, WIDTH), .k = matrix(pool, Q8_0, KV_HEADS * HEAD_SIZE, WIDTH),
            .v = matrix(pool, Q6_K, KV_HEADS * HEAD_SIZE, WIDTH), .output = matrix(pool, Q8_0, WIDTH, HEADS * HEAD_SIZE),
            .gate = matrix(pool, Q8_0, FEED, WIDTH), .up = matrix(pool, Q8_0, FEED, WIDTH),
            .down = matrix(pool, Q8_0, WIDTH, FEED),
        };
    ik_matrix output = matrix(pool, Q6_K, 320, WIDTH);
    double frequencies[HEAD_SIZE / 2];
    for (int i = 0; i < HEAD_SIZE / 2; i++) frequencies[i] = ik_exp(-9.2 * i / (HEAD_SIZE / 2));
    void *pages[PAGES];
    for (int p = 0; p < PAGES; p++) pages[p] = need(ik_page_bytes(&shape, type) * LAYERS);
    float hidden[TOKENS * WIDTH], logits[2 * 320];
    for (int i = 0; i < TOKENS * WIDTH; i++) hidden[i] = fraction();
    ik_workspace *workspace = ik_workspace_create(&shape, TOKENS);
    if (!workspace) exit(2);
    const ik_segment whole = {pages, 0, TOKENS};
    ik_batch_begin(workspace, &shape, type, frequencies, &whole, 1);
    for (uint32_t l = 0; l < LAYERS; l++) ik_layer_forward(pool, &shape, &stack[l], workspace, hidden, l);
    const uint32_t asked[2] = {5, TOKENS - 1};
    ik_logits(pool, &shape, norm, &output, workspace, hidden, asked, 2, logits, 320);
    report(path, name, logits, 2 * 320);
}

int main(void) {
    for (int path = 0; path < 6; path++) {
        if (!ik_path_available((ik_path)path)) continue;
        ik_pool *pool = ik_pool_create(2, (ik_path)path);
        if (!pool) return 2;
        products(path, pool);
        layers(path, pool, IK_CACHE_F32, "layers-f32");
        layers(path, pool, IK_CACHE_F16, "layers-f16");
        layers(path, pool, IK_CACHE_Q8, "layers-q8");
        ik_pool_destroy(pool);
    }
    return 0;
}
