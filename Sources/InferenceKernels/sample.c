#include "InferenceKernels.h"
#pragma STDC FP_CONTRACT OFF

int32_t ik_argmax(const float *logits, uint32_t count) {
    uint32_t best = 0;
    float largest = -__builtin_inff();
    for (uint32_t i = 0; i < count; i++)
        if (logits[i] > largest) {
            largest = logits[i];
            best = i;
        }
    return (int32_t)best;
}

/// Whether `a` ranks before `b`: the larger logit, then the lower id. NaN ranks last.
static bool before(const float *logits, uint32_t a, uint32_t b) {
    float x = logits[a], y = logits[b];
    if (x > y) return true;
    if (x < y) return false;
    if ((x == x) != (y == y)) return x == x;
    return a < b;
}

static void sink(const float *logits, uint32_t *heap, uint32_t count, uint32_t i) {
    uint32_t id = heap[i];
    for (;;) {
        uint32_t child = 2 * i + 1;
        if (child >= count) break;
        if (child + 1 < count && before(logits, heap[child + 1], heap[child])) child++;
        if (!before(logits, heap[child], id)) break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = id;
}

/// Its share of the probability, relative to the largest logit.
static double weight(float logit, float largest, double temperature) {
    return ik_exp(((double)logit - (double)largest) / temperature);
}

int32_t ik_sample(
    const float *logits, uint32_t count, double temperature, uint32_t top_k, double top_p, double draw,
    uint32_t *scratch
) {
    float largest = logits[ik_argmax(logits, count)];
    uint32_t kept = top_k == 0 || top_k > count ? count : top_k;
    for (uint32_t i = 0; i < count; i++) scratch[i] = i;
    for (uint32_t i = count / 2; i-- > 0;) sink(logits, scratch, count, i);
    // Ranked ids gather at the end of the array, the first at the very end. All of them are needed at once for the top
    // `kept` only; without `top_k` the total is taken in order of ids, and no more are ranked than `top_p` asks for.
    double total = 0;
    uint32_t left = count;
    if (kept < count) {
        while (left > count - kept) {
            uint32_t id = scratch[0];
            scratch[0] = scratch[--left];
            sink(logits, scratch, left, 0);
            scratch[left] = id;
            total += weight(logits[id], largest, temperature);
        }
    } else {
        for (uint32_t i = 0; i < count; i++) total += weight(logits[i], largest, temperature);
    }
    double limit = top_p < 1 ? total * top_p : total, sum = 0;
    uint32_t taken = 0;
    while (taken < kept) {
        if (taken == count - left) {
            uint32_t id = scratch[0];
            scratch[0] = scratch[--left];
            sink(logits, scratch, left, 0);
            scratch[left] = id;
        }
        sum += weight(logits[scratch[count - 1 - taken]], largest, temperature);
        taken++;
        if (sum >= limit) break;
    }
    double target = draw * sum, passed = 0;
    for (uint32_t i = 0; i < taken; i++) {
        uint32_t id = scratch[count - 1 - i];
        passed += weight(logits[id], largest, temperature);
        if (passed > target) return (int32_t)id;
    }
    return (int32_t)scratch[count - 1];
}
