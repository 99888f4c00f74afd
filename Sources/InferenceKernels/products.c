#include "products.h"
#include "blocks.h"

/// 64 rows: some 70 KB of weights at width 1,024, which outweighs the claim of a piece by far.
enum { PANELS_PER_PIECE = 4 };

static uint32_t panels_of(const ik_matrix *matrix) { return (matrix->rows + IK_LANES - 1) / IK_LANES; }

/// Panels `first` ..< `last` of matrix `i`.
static void multiply_panels(const ik_products *job, uint32_t i, uint32_t first, uint32_t last) {
    const ik_kernels *kernels = ik_kernels_of(ik_pool_path(job->pool));
    const ik_matrix *matrix = job->matrices[i];
    if (matrix->panels) {
        kernels->matmul(matrix, job->x, job->blocks, job->tokens, job->out[i], job->strides[i], first, last);
        return;
    }
    uint8_t *panel = ik_pool_scratch(job->pool);
    ik_matrix one = *matrix;
    one.panels = panel;
    for (uint32_t p = first; p < last; p++) {
        ik_pack_panel(matrix, p, panel);
        kernels->matmul(&one, job->x, job->blocks, job->tokens, job->out[i] + (size_t)p * IK_LANES, job->strides[i], 0, 1);
    }
}

static void multiply(const void *argument, uint32_t first, uint32_t last) {
    const ik_products *job = argument;
    uint32_t start = 0;
    for (uint32_t i = 0; i < job->count && start < last; i++) {
        uint32_t end = start + panels_of(job->matrices[i]);
        if (first < end) {
            uint32_t to = last < end ? last : end;
            multiply_panels(job, i, first - start, to - start);
            first = to;
        }
        start = end;
    }
}

void ik_products_run(ik_pool *pool, const ik_products *products) {
    uint32_t panels = 0;
    for (uint32_t i = 0; i < products->count; i++) panels += panels_of(products->matrices[i]);
    ik_pool_run(pool, multiply, products, panels, PANELS_PER_PIECE);
}

void ik_matmul(
    ik_pool *pool, const ik_matrix *matrix, const float *x, const ik_block *blocks, uint32_t tokens, float *out,
    size_t out_stride
) {
    ik_products products = {pool, x, blocks, tokens, 1, {matrix}, {out}, {out_stride}};
    ik_products_run(pool, &products);
}
