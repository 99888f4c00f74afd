internal import Crypto

/// The SHA-256 of a file whose bytes come one after the other, in hexadecimal: of a model's file, `Engine.fingerprint`.
public struct FingerprintHash: Sendable {
    private var hash = SHA256()

    /// The hash of no bytes.
    public init() {}

    /// Takes in the next bytes.
    public mutating func append(_ bytes: UnsafeRawBufferPointer) { unsafe hash.update(bufferPointer: bytes) }

    /// The hash of all bytes so far, in hexadecimal.
    public var text: String { hash.finalize().hexadecimal }
}

extension GGUFFile {
    /// The SHA-256 of the file's bytes in hexadecimal; two nodes with the same one compute the same bits.
    ///
    /// Of a model that is split over files: of their bytes one after the other.
    public var fingerprint: String {
        var hash = FingerprintHash()
        unsafe readThrough { bytes in unsafe hash.append(bytes) }
        return hash.text
    }
}

extension Sequence<UInt8> {
    /// Two digits for each byte.
    var hexadecimal: String {
        let digits = Array("0123456789abcdef")
        return String(flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
