internal import InferenceKernels

/// How the keys and values of past tokens are kept.
///
/// The type is part of the arithmetic: engines compute the same bits if they have the same model *and* the same type.
public enum CacheType: String, Hashable, Sendable, CaseIterable {
    /// 32-bit floats, as they were computed.
    case f32
    /// 16-bit floats, half the memory.
    case f16
    /// 8-bit numbers in blocks of 32 with a scale, a little more than a quarter of the memory.
    case q8

    var kernelType: ik_cache_type {
        switch self {
        case .f32: IK_CACHE_F32
        case .f16: IK_CACHE_F16
        case .q8: IK_CACHE_Q8
        }
    }
}
