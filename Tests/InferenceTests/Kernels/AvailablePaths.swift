import InferenceKernels

/// The paths that this processor can run; all must give the same bits.
let availablePaths = [
    IK_PATH_PORTABLE, IK_PATH_SSE4, IK_PATH_AVX2, IK_PATH_AVXVNNI, IK_PATH_AVX512, IK_PATH_NEON,
].filter { ik_path_available($0) }
