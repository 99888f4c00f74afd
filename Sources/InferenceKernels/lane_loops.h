// What all loops over lanes share, compiled once per path under NAME(name), which is defined before: a function that takes
// vectors can only be inlined where the same instructions are allowed.

/// The sum of the lanes: halves added to halves.
INLINE float NAME(lane_sum)(f32x16 v) {
    float t[16];
    STORE(t, v);
    for (int width = 8; width >= 1; width /= 2)
        for (int i = 0; i < width; i++) t[i] += t[i + width];
    return t[0];
}

/// e to the x, for x <= 88; 0 below -87. Within two units in the last place.
INLINE f32x16 NAME(exponential)(f32x16 x) {
    i32x16 normal = x > SPLAT(-87.0f), small = x < SPLAT(88.0f);
    f32x16 bounded = (f32x16)(((i32x16)x & normal) | ((i32x16)SPLAT(-87.0f) & ~normal));
    bounded = (f32x16)(((i32x16)bounded & small) | ((i32x16)SPLAT(88.0f) & ~small));
    // Adding 1.5 * 2^23 leaves the nearest integer in the low bits.
    f32x16 shifted = bounded * SPLAT(0x1.715476p+0f) + SPLAT(12582912.0f), n = shifted - SPLAT(12582912.0f);
    f32x16 r = (bounded - n * SPLAT(0x1.62e4p-1f)) - n * SPLAT(0x1.7f7d1cp-20f);
    f32x16 sum = SPLAT(0x1.a01a02p-13f);
    sum = sum * r + SPLAT(0x1.6c16c2p-10f);
    sum = sum * r + SPLAT(0x1.111112p-7f);
    sum = sum * r + SPLAT(0x1.555556p-5f);
    sum = sum * r + SPLAT(0x1.555556p-3f);
    sum = sum * r + SPLAT(0.5f);
    sum = sum * r + SPLAT(1.0f);
    sum = sum * r + SPLAT(1.0f);
    u32x16 power = ((u32x16)shifted - 0x4b400000u + 127u) << 23;
    return (f32x16)((i32x16)(sum * (f32x16)power) & normal);
}
