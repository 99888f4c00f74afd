#include "kernels.h"
#if defined(__aarch64__) && defined(__linux__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

bool ik_path_available(ik_path path) {
    switch (path) {
    case IK_PATH_PORTABLE: return true;
#if defined(__x86_64__)
    case IK_PATH_SSE4: return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3");
    case IK_PATH_AVX2: return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("f16c");
    case IK_PATH_AVXVNNI: return ik_path_available(IK_PATH_AVX2) && __builtin_cpu_supports("avxvnni");
    case IK_PATH_AVX512:
        return ik_path_available(IK_PATH_AVX2) && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
            && __builtin_cpu_supports("avx512vnni");
#elif defined(__aarch64__) && defined(__linux__)
    case IK_PATH_NEON: return getauxval(AT_HWCAP) & HWCAP_ASIMDDP;
#endif
    default: return false;
    }
}

ik_path ik_best_path(void) {
    static const ik_path best_first[] = {IK_PATH_AVX512, IK_PATH_AVXVNNI, IK_PATH_AVX2, IK_PATH_SSE4, IK_PATH_NEON};
    for (size_t i = 0; i < sizeof best_first / sizeof best_first[0]; i++)
        if (ik_path_available(best_first[i])) return best_first[i];
    return IK_PATH_PORTABLE;
}

const ik_kernels *ik_kernels_of(ik_path path) {
#if defined(__x86_64__)
    if (path == IK_PATH_AVX512) return &ik_avx512_kernels;
    if (path == IK_PATH_AVXVNNI) return &ik_avxvnni_kernels;
    if (path == IK_PATH_AVX2) return &ik_avx2_kernels;
    if (path == IK_PATH_SSE4) return &ik_sse4_kernels;
#elif defined(__aarch64__)
    if (path == IK_PATH_NEON) return &ik_neon_kernels;
#endif
    (void)path;
    return &ik_portable_kernels;
}

void ik_quantize(const float *x, uint32_t count, ik_block *out) { ik_kernels_of(ik_best_path())->quantize(x, count, out); }

void ik_halves(ik_path path, const float *x, uint32_t count, uint16_t *out) { ik_kernels_of(path)->halves(x, count, out); }
