#include "InferenceKernels.h"
#include <string.h>
#include "exact.h"
#pragma clang diagnostic ignored "-Wpsabi"

// Eight lanes whatever the processor's width: lane i of a sum takes the numbers i, i + 8, i + 16, ...
typedef double f64x8 __attribute__((vector_size(64)));
typedef int64_t i64x8 __attribute__((vector_size(64)));
typedef uint64_t u64x8 __attribute__((vector_size(64)));
typedef float f32x8 __attribute__((vector_size(32)));
#define SPLAT(value) ((f64x8){} + (value))

int32_t ik_argmax(const float *logits, uint32_t count) {
    float lanes[16], largest = -__builtin_inff();
    for (int k = 0; k < 16; k++) lanes[k] = largest;
    uint32_t i = 0;
    for (; i + 16 <= count; i += 16)
        for (int k = 0; k < 16; k++) lanes[k] = logits[i + k] > lanes[k] ? logits[i + k] : lanes[k];
    for (int k = 0; k < 16; k++) largest = lanes[k] > largest ? lanes[k] : largest;
    for (; i < count; i++) largest = logits[i] > largest ? logits[i] : largest;
    if (largest == -__builtin_inff()) return 0;
    for (i = 0; i < count; i++)
        if (logits[i] == largest) return (int32_t)i;
    return 0;
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

/// e to the x for x <= 0, within two units in the last place; 0 below -700 and for NaN.
static inline f64x8 exponential(f64x8 x) {
    i64x8 normal = x > SPLAT(-700.0);
    f64x8 bounded = (f64x8)(((i64x8)x & normal) | ((i64x8)SPLAT(-700.0) & ~normal));
    // Adding 1.5 * 2^52 leaves the nearest integer in the low bits.
    f64x8 shifted = bounded * SPLAT(0x1.71547652b82fep+0) + SPLAT(6755399441055744.0);
    f64x8 n = shifted - SPLAT(6755399441055744.0);
    f64x8 r = (bounded - n * SPLAT(0x1.62e42feep-1)) - n * SPLAT(0x1.a39ef35793c76p-33);
    // The Taylor series: |r| <= ln 2 / 2, so the term after the last is below 2^-54.
    static const double reciprocals[] = {
        0x1.6124613a86d09p-33, 0x1.1eed8eff8d898p-29, 0x1.ae64567f544e4p-26, 0x1.27e4fb7789f5cp-22,
        0x1.71de3a556c734p-19, 0x1.a01a01a01a01ap-16, 0x1.a01a01a01a01ap-13, 0x1.6c16c16c16c17p-10,
        0x1.1111111111111p-7,  0x1.5555555555555p-5,  0x1.5555555555555p-3,  0.5,
        1.0,                   1.0,
    };
    f64x8 sum = SPLAT(reciprocals[0]);
    for (int k = 1; k < 14; k++) sum = sum * r + SPLAT(reciprocals[k]);
    u64x8 power = ((u64x8)shifted + 1023u) << 52;
    return (f64x8)((i64x8)(sum * (f64x8)power) & normal);
}

/// The shares of eight logits in the probability, relative to the largest.
static inline f64x8 weights(const float *logits, float largest, double temperature) {
    f32x8 loaded;
    memcpy(&loaded, logits, sizeof loaded);
    return exponential((__builtin_convertvector(loaded, f64x8) - SPLAT((double)largest)) / SPLAT(temperature));
}

static double weight(float logit, float largest, double temperature) {
    float row[8] = {logit};
    return weights(row, largest, temperature)[0];
}

static double total_weight(const float *logits, uint32_t count, float largest, double temperature) {
    f64x8 sum = {};
    uint32_t i = 0;
    for (; i + 8 <= count; i += 8) sum += weights(logits + i, largest, temperature);
    if (i < count) {
        float rest[8];
        for (uint32_t k = 0; k < 8; k++) rest[k] = i + k < count ? logits[i + k] : -__builtin_inff();
        sum += weights(rest, largest, temperature);
    }
    return ((sum[0] + sum[4]) + (sum[2] + sum[6])) + ((sum[1] + sum[5]) + (sum[3] + sum[7]));
}

double ik_log_total(const float *logits, uint32_t count) {
    float largest = logits[ik_argmax(logits, count)];
    return (double)largest + ik_log(total_weight(logits, count, largest, 1));
}

void ik_largest(const float *logits, uint32_t count, uint32_t wanted, uint32_t *ids) {
    uint32_t held = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (held == wanted && !before(logits, i, ids[held - 1])) continue;
        uint32_t place = held < wanted ? held++ : held - 1;
        for (; place > 0 && before(logits, i, ids[place - 1]); place--) ids[place] = ids[place - 1];
        ids[place] = i;
    }
}

void ik_mask(float *logits, uint32_t count, const uint32_t *allowed) {
    float least = -__FLT_MAX__, none = -__builtin_inff();
    for (uint32_t i = 0; i < count; i++) {
        bool stays = allowed[i / 32] >> (i % 32) & 1;
        float bounded = logits[i] >= least ? logits[i] : least;
        logits[i] = stays ? bounded : none;
    }
}

/// Draws among all tokens, in the order of their ids.
static int32_t draw_any(const float *logits, uint32_t count, float largest, double temperature, double draw) {
    // The middle of the draw's interval: its lower end, 0, would be any token's, however unlikely.
    double target = (draw + 0x1p-54) * total_weight(logits, count, largest, temperature), passed = 0;
    for (uint32_t i = 0; i < count; i += 8) {
        float row[8];
        for (uint32_t k = 0; k < 8; k++) row[k] = i + k < count ? logits[i + k] : -__builtin_inff();
        f64x8 shares = weights(row, largest, temperature);
        double next = passed + (((shares[0] + shares[4]) + (shares[2] + shares[6]))
                                + ((shares[1] + shares[5]) + (shares[3] + shares[7])));
        if (next > target)
            for (uint32_t k = 0; k < 8; k++) {
                passed += shares[k];
                if (passed > target) return (int32_t)(i + k);
            }
        passed = next;
    }
    return ik_argmax(logits, count);
}

/// The ids of the `wanted` largest logits, in the order of a heap whose top ranks last.
static void collect_largest(const float *logits, uint32_t count, uint32_t wanted, uint32_t *ids) {
    for (uint32_t i = 0; i < count; i++) {
        uint32_t place;
        if (i < wanted) {
            for (place = i; place > 0 && before(logits, ids[(place - 1) / 2], i); place = (place - 1) / 2)
                ids[place] = ids[(place - 1) / 2];
        } else {
            if (!before(logits, i, ids[0])) continue;
            for (place = 0;;) {
                uint32_t child = 2 * place + 1;
                if (child >= wanted) break;
                if (child + 1 < wanted && before(logits, ids[child], ids[child + 1])) child++;
                if (!before(logits, i, ids[child])) break;
                ids[place] = ids[child];
                place = child;
            }
        }
        ids[place] = i;
    }
}

int32_t ik_sample(
    const float *logits, uint32_t count, double temperature, uint32_t top_k, double top_p, double min_p, double draw,
    uint32_t *scratch
) {
    float largest = logits[ik_argmax(logits, count)];
    bool all = top_k == 0 || top_k >= count;
    if (all && top_p >= 1 && min_p <= 0) return draw_any(logits, count, largest, temperature, draw);
    double total = 0;
    uint32_t kept = 0;
    if (all) {
        total = total_weight(logits, count, largest, temperature);
        // Tokens below this share have less than 1 - top_p together, so that the others are enough.
        double least = top_p < 1 ? (1 - top_p) * total / count : 0;
        if (least < min_p) least = min_p;
        double cut = least > 0 ? (double)largest + temperature * ik_log(least) - 1e-3 : -__builtin_inf();
        for (uint32_t i = 0; i < count; i++)
            if (logits[i] >= cut) scratch[kept++] = i;
        if (kept == 0) return ik_argmax(logits, count);
    } else {
        kept = top_k;
        collect_largest(logits, count, kept, scratch);
    }
    for (uint32_t i = kept / 2; i-- > 0;) sink(logits, scratch, kept, i);
    // Ranked ids gather at the end, the first at the very end; no more are ranked than are asked for.
    uint32_t left = kept, taken = 0;
    if (!all) {
        while (left > 0) {
            uint32_t id = scratch[0];
            scratch[0] = scratch[--left];
            sink(logits, scratch, left, 0);
            scratch[left] = id;
            total += weight(logits[id], largest, temperature);
        }
    }
    double limit = top_p < 1 ? total * top_p : __builtin_inf(), sum = 0;
    while (taken < kept) {
        if (taken == kept - left) {
            uint32_t id = scratch[0];
            scratch[0] = scratch[--left];
            sink(logits, scratch, left, 0);
            scratch[left] = id;
        }
        double share = weight(logits[scratch[kept - 1 - taken]], largest, temperature);
        if (taken > 0 && share < min_p) break;
        sum += share;
        taken++;
        if (sum >= limit) break;
    }
    double target = draw * sum, passed = 0;
    for (uint32_t i = 0; i < taken; i++) {
        uint32_t id = scratch[kept - 1 - i];
        passed += weight(logits[id], largest, temperature);
        if (passed > target) return (int32_t)id;
    }
    return (int32_t)scratch[kept - 1];
}

void ik_walk(const ik_trie *trie, const ik_grammar *grammar, ik_step *step, int32_t *places, uint32_t *allowed) {
    uint32_t node = step->node;
    uint64_t work = 0;
    while (node < step->end) {
        uint32_t depth = trie->depths[node], kind = grammar->kinds[trie->bytes[node]];
        int32_t next = grammar->ways[(size_t)places[depth - 1] * grammar->kind_count + kind];
        if (next < 0) break;
        if (next == 0) {
            node = trie->ends[node];
            continue;
        }
        places[depth] = next;
        work += (uint64_t)grammar->sizes[next] + 1;
        for (uint32_t i = trie->first_tokens[node]; i < trie->first_tokens[node + 1]; i++)
            allowed[trie->tokens[i] / 32] |= 1u << (trie->tokens[i] % 32);
        node++;
    }
    step->node = node;
    step->work = work;
}
