#pragma once
#include "kernels.h"

/// Up to three products of the same vectors, run as one job.
typedef struct {
    const ik_pool *pool;
    const float *x;
    const ik_block *blocks;
    uint32_t tokens, count;
    const ik_matrix *matrices[3];
    float *out[3];
    size_t strides[3];
} ik_products;

/// Runs the products on the pool's threads.
void ik_products_run(ik_pool *pool, const ik_products *products);
