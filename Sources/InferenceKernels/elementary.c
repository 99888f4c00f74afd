#include "InferenceKernels.h"
#include <string.h>
#include "exact.h"

// Adding and subtracting 1.5 * 2^52 rounds a double to the nearest integer, ties to even.
static const double rounder = 6755399441055744.0;
static const double ln2_high = 0x1.62e42feep-1, ln2_low = 0x1.a39ef35793c76p-33;

static double power_of_two(int64_t n) {
    uint64_t bits = (uint64_t)(n + 1023) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double ik_exp(double x) {
    if (!(x > -700)) return 0;
    if (x > 700) x = 700;
    double n = (x * 0x1.71547652b82fep+0 + rounder) - rounder;
    double r = (x - n * ln2_high) - n * ln2_low;
    // The Taylor series: |r| <= ln 2 / 2, so the term after the last is below 2^-57.
    double sum = 1;
    for (int k = 14; k >= 1; k--) sum = 1 + sum * r / k;
    return sum * power_of_two((int64_t)n);
}

double ik_log(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    int64_t exponent = (int64_t)(bits >> 52 & 2047) - 1023;
    bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
    double mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa);
    if (mantissa > 0x1.6a09e667f3bcdp+0) {
        mantissa /= 2;
        exponent += 1;
    }
    // log m = 2 atanh((m - 1) / (m + 1)); the fraction is at most 0.172.
    double f = (mantissa - 1) / (mantissa + 1), square = f * f, sum = 0;
    for (int k = 23; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
    return (double)exponent * ln2_high + ((double)exponent * ln2_low + 2 * f * sum);
}

void ik_sincos(double x, double *sine, double *cosine) {
    // pi / 2 in three parts of 33 bits (fdlibm), so that the first two products are exact for |n| < 2^20.
    double n = (x * 0x1.45f306dc9c883p-1 + rounder) - rounder;
    double r = ((x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
    double square = r * r, s = 1, c = 1;
    // Taylor series: |r| <= pi / 4, so the terms after the last are below 2^-60.
    for (int k = 18; k >= 2; k -= 2) s = 1 - s * square / (k * (k + 1));
    for (int k = 17; k >= 1; k -= 2) c = 1 - c * square / (k * (k + 1));
    s *= r;
    switch ((int64_t)n & 3) {
    case 0: *sine = s, *cosine = c; break;
    case 1: *sine = c, *cosine = -s; break;
    case 2: *sine = -s, *cosine = -c; break;
    default: *sine = -c, *cosine = s; break;
    }
}
