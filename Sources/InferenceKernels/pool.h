#pragma once
#include "InferenceKernels.h"

/// Computes items `first` ..< `last` of the job.
typedef void (*ik_work)(const void *job, uint32_t first, uint32_t last);

/// Runs `work` on `items` items in pieces of `grain`, and returns when all are done.
void ik_pool_run(ik_pool *pool, ik_work work, const void *job, uint32_t items, uint32_t grain);

/// What `ik_pool_reserve` made for the thread that asks, which is working on a job of the pool.
void *ik_pool_scratch(const ik_pool *pool);

/// The path of the pool.
ik_path ik_pool_path(const ik_pool *pool);
