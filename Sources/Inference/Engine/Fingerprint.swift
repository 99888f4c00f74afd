internal import Crypto

/// The SHA-256 of the file's bytes in hexadecimal; two nodes with the same one compute the same bits.
func fingerprint(of file: GGUFFile) -> String {
    unsafe file.withBytes { bytes in
        var hash = SHA256()
        unsafe hash.update(bufferPointer: bytes)
        let digits = Array("0123456789abcdef")
        return String(hash.finalize().flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
    }
}
