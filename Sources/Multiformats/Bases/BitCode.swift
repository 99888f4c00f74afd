/// Text for bytes in groups of a few bits each, as RFC 4648 describes: base16, base32, base64.
///
/// Written without padding.
struct BitCode {
    private let digits: [UInt8]
    private let values: [UInt8]
    private let bits: Int

    init(alphabet: StaticString, bits: Int) {
        digits = Array(alphabet.description.utf8)
        self.bits = bits
        var values = [UInt8](repeating: 0xff, count: 256)
        for (value, digit) in digits.enumerated() { values[Int(digit)] = UInt8(value) }
        self.values = values
    }

    func encode(_ bytes: [UInt8]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((bytes.count * 8 + bits - 1) / bits)
        var held: UInt32 = 0
        var heldBits = 0
        for byte in bytes {
            held = held << 8 | UInt32(byte)
            heldBits += 8
            while heldBits >= bits {
                heldBits -= bits
                text.append(digits[Int(held >> UInt32(heldBits)) & (digits.count - 1)])
            }
        }
        if heldBits > 0 {
            text.append(digits[Int(held << UInt32(bits - heldBits)) & (digits.count - 1)])
        }
        return text
    }

    /// The bytes of a text.
    ///
    /// Bits left over at the end must be zero and fewer than one digit, so that each value has one text.
    func decode(_ text: some Collection<UInt8>) throws(MultibaseError) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count * bits / 8)
        var held: UInt32 = 0
        var heldBits = 0
        for (position, character) in text.enumerated() {
            let value = values[Int(character)]
            guard value != 0xff else { throw .invalidCharacter(position: position) }
            held = held << UInt32(bits) | UInt32(value)
            heldBits += bits
            if heldBits >= 8 {
                heldBits -= 8
                bytes.append(UInt8(truncatingIfNeeded: held >> UInt32(heldBits)))
            }
        }
        guard heldBits < bits, held & (1 << UInt32(heldBits) - 1) == 0 else { throw .leftoverBits }
        return bytes
    }
}
