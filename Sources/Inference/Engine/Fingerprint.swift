internal import Crypto

/// The SHA-256 of the file's bytes in hexadecimal; two nodes with the same one compute the same bits.
///
/// Of a model that is split over files: of their bytes one after the other.
func fingerprint(of file: GGUFFile) -> String {
    var hash = SHA256()
    unsafe file.readThrough { bytes in unsafe hash.update(bufferPointer: bytes) }
    let digits = Array("0123456789abcdef")
    return String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}
