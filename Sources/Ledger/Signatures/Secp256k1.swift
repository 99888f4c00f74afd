import CSecp256k1

/// Recoverable ECDSA over secp256k1, by libsecp256k1.
public enum Secp256k1 {
    /// Half of the order of the group, rounded down: the greatest `s` that is accepted (EIP-2).
    static let halfOrder = Bytes32(
        0x7fff_ffff_ffff_ffff,
        0xffff_ffff_ffff_ffff,
        0x5d57_6e73_57a4_501d,
        0xdfe9_2f46_681b_20a0
    )

    /// The address whose key signed `digest`, with the signature in the 64 bytes of EIP-2098.
    ///
    /// The top bit of `vs` is the parity of the point, the rest is `s`.
    /// - Returns: `nil` when `r` or `s` is zero or not below the order, when `s` is above half the order, or when no point
    ///   of the curve belongs to `r`.
    public static func recover(digest: Bytes32, r: Bytes32, vs: Bytes32) -> Address? {
        let s = Bytes32(vs.words.0 & ~(1 << 63), vs.words.1, vs.words.2, vs.words.3)
        return recover(digest: digest, r: r, s: s, parity: UInt8(vs.words.0 >> 63))
    }

    /// The address whose key signed `digest`; `parity`, 0 or 1, is that of the signature's point.
    ///
    /// - Returns: `nil` for the same reasons as ``recover(digest:r:vs:)``, and for any other parity.
    public static func recover(digest: Bytes32, r: Bytes32, s: Bytes32, parity: UInt8) -> Address? {
        guard parity <= 1, s <= halfOrder else { return nil }
        var compact = r.bytes
        s.append(to: &compact)
        let hash = digest.bytes
        let context = Secp256k1Context.shared
        var signature = secp256k1_ecdsa_recoverable_signature()
        var point = secp256k1_pubkey()
        guard
            unsafe secp256k1_ecdsa_recoverable_signature_parse_compact(
                context.pointer,
                &signature,
                compact,
                Int32(parity)
            ) == 1,
            unsafe secp256k1_ecdsa_recover(context.pointer, &point, &signature, hash) == 1
        else { return nil }
        return context.address(of: &point)
    }
}

/// The one context of libsecp256k1 in this process.
///
/// - Note: `@unchecked Sendable` holds because the context is changed only before `shared` is handed out, and the library
///   allows any number of threads to use a context that nobody changes. `@safe` holds because the context lives as long as
///   the process, so that the pointer is always valid.
@safe final class Secp256k1Context: @unchecked Sendable {
    static let shared = Secp256k1Context()

    let pointer: OpaquePointer

    private init() {
        // Only a lack of memory makes this fail, and then the library calls its error callback, which ends the process.
        unsafe pointer = secp256k1_context_create(UInt32(SECP256K1_CONTEXT_SIGN) | UInt32(SECP256K1_CONTEXT_VERIFY))
        // The default ends the process on an argument that breaks the library's rules; here the call returns 0 instead.
        unsafe secp256k1_context_set_illegal_callback(pointer, { _, _ in }, nil)
        // Blinding against side channels; a failure leaves the context usable without it.
        var generator = SystemRandomNumberGenerator()
        var seed: [UInt8] = []
        for _ in 0..<4 { appendBigEndian(generator.next(), to: &seed) }
        _ = unsafe secp256k1_context_randomize(pointer, seed)
    }

    /// The address of a public point: the last 20 bytes of keccak256 of its 64 bytes.
    func address(of point: inout secp256k1_pubkey) -> Address? {
        var serialized = [UInt8](repeating: 0, count: 65)
        var count = serialized.count
        guard
            unsafe secp256k1_ec_pubkey_serialize(
                pointer,
                &serialized,
                &count,
                &point,
                UInt32(SECP256K1_EC_UNCOMPRESSED)
            ) == 1, count == 65
        else { return nil }
        return Address(lastOf: Keccak256.hash(Array(serialized.dropFirst())))
    }
}
