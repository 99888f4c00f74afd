/// Text for bytes read as one big number, as base58 and base36 do.
///
/// Leading zero bytes are kept as leading zero digits. The work grows with the square of the length, so inputs are
/// bounded: what is written this way are keys, hashes and content ids, never documents.
struct RadixCode {
    /// 256 bytes are far more than any id, and take some ten microseconds.
    static let maximumByteCount = 256
    /// No base in use needs more than two digits for a byte.
    static let maximumTextLength = 2 * maximumByteCount

    private let digits: [UInt8]
    private let values: [UInt8]

    /// - Parameter folds: whether upper-case letters stand for the lower-case ones of the alphabet.
    init(alphabet: StaticString, folds: Bool = false) {
        digits = Array(alphabet.description.utf8)
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, digit) in digits.enumerated() {
            values[Int(digit)] = UInt8(value)
            if folds, (0x61...0x7a).contains(digit) { values[Int(digit) - 0x20] = UInt8(value) }
        }
        self.values = values
    }

    /// The digits of the bytes, the highest first.
    ///
    /// The caller bounds the input.
    func encode(_ bytes: [UInt8]) -> String {
        let zeros = bytes.prefix { $0 == 0 }.count
        let base = UInt32(digits.count)
        var number: [UInt8] = []  // digit values, the lowest first
        for byte in bytes.dropFirst(zeros) {
            var carry = UInt32(byte)
            for index in number.indices {
                carry += UInt32(number[index]) << 8
                number[index] = UInt8(carry % base)
                carry /= base
            }
            while carry > 0 {
                number.append(UInt8(carry % base))
                carry /= base
            }
        }
        let text = [UInt8](repeating: digits[0], count: zeros) + number.reversed().map { digits[Int($0)] }
        return String(decoding: text, as: UTF8.self)
    }

    func decode(_ text: some Collection<UInt8>) throws(MultibaseError) -> [UInt8] {
        guard text.count <= Self.maximumTextLength else { throw .tooLong(limit: Self.maximumTextLength) }
        let zeros = text.prefix { $0 == digits[0] }.count
        let base = UInt32(digits.count)
        var number: [UInt8] = []  // bytes, the lowest first
        for (position, character) in text.enumerated().dropFirst(zeros) {
            let value = values[Int(character)]
            guard value != 0xff else { throw .invalidCharacter(position: position) }
            var carry = UInt32(value)
            for index in number.indices {
                carry += UInt32(number[index]) * base
                number[index] = UInt8(carry & 0xff)
                carry >>= 8
            }
            while carry > 0 {
                number.append(UInt8(carry & 0xff))
                carry >>= 8
            }
        }
        guard zeros + number.count <= Self.maximumByteCount else { throw .tooLong(limit: Self.maximumByteCount) }
        return [UInt8](repeating: 0, count: zeros) + number.reversed()
    }
}
