/// Text to try a tokenizer with.
enum RandomText {
    /// Scalars from all planes, with many of those that pre-tokenizers and special tokens are about.
    static func any(length: Int, using generator: inout some RandomNumberGenerator) -> String {
        let common = Array("ab Z09'\n\r\t<|>_[]▁｜.,!éß你🙂\u{301}\u{200D}\u{FEFF}\u{0}\u{AD}".unicodeScalars)
        var text = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...length, using: &generator) {
            if Bool.random(using: &generator), let scalar = common.randomElement(using: &generator) {
                text.append(scalar)
            } else if let scalar = Unicode.Scalar(UInt32.random(in: 0...0x10FFFF, using: &generator)) {
                text.append(scalar)
            }
        }
        return String(text)
    }
}
