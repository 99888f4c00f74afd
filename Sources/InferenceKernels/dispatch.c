#include "kernels.h"

bool ik_path_available(ik_path path) {
    switch (path) {
    case IK_PATH_PORTABLE: return true;
#if defined(__x86_64__)
    case IK_PATH_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
    case IK_PATH_AVX512:
        return ik_path_available(IK_PATH_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vnni");
#endif
    default: return false;
    }
}

ik_path ik_best_path(void) {
    if (ik_path_available(IK_PATH_AVX512)) return IK_PATH_AVX512;
    return ik_path_available(IK_PATH_AVX2) ? IK_PATH_AVX2 : IK_PATH_PORTABLE;
}

const ik_kernels *ik_kernels_of(ik_path path) {
#if defined(__x86_64__)
    if (path == IK_PATH_AVX512) return &ik_avx512_kernels;
    if (path == IK_PATH_AVX2) return &ik_avx2_kernels;
#endif
    (void)path;
    return &ik_portable_kernels;
}

void ik_quantize(const float *x, uint32_t count, ik_block *out) { ik_kernels_of(ik_best_path())->quantize(x, count, out); }

void ik_halves(ik_path path, const float *x, uint32_t count, uint16_t *out) { ik_kernels_of(path)->halves(x, count, out); }
