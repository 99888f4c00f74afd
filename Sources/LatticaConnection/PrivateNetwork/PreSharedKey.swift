import Multiformats

/// The secret of a private network: peers that have it can connect, others cannot (libp2p specs, pnet).
///
/// Its description shows the fingerprint alone, so that a log line or an error cannot give the key away.
public struct PreSharedKey: Hashable, Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    /// What a file must begin with.
    private static let format = "/key/swarm/psk/1.0.0/"

    /// A file is three short lines; one longer than this is another file.
    static let maximumTextLength = 1024

    private let bytes: [UInt8]

    /// A new secret.
    public init() {
        var generator = SystemRandomNumberGenerator()
        bytes = (0..<32).map { _ in .random(in: 0...255, using: &generator) }
    }

    /// The key of these 32 bytes.
    public init(bytes: [UInt8]) throws(PreSharedKeyError) {
        guard bytes.count == 32 else { throw .wrongLength(bytes.count) }
        self.bytes = bytes
    }

    /// Reads the text of a file `swarm.key`, as Kubo and other libp2p programs have it.
    ///
    /// Three lines: `/key/swarm/psk/1.0.0/`, `/base16/`, and 64 hexadecimal digits.
    public init(text: String) throws(PreSharedKeyError) {
        guard text.utf8.count <= Self.maximumTextLength else { throw .tooLong(limit: Self.maximumTextLength) }
        // Windows ends lines with two characters, which are one `Character`.
        let lines = text.split(whereSeparator: \.isNewline).map { $0.trimmed }
        guard let format = lines.first, format == Self.format else { throw .unknownFormat }
        guard lines.count > 1, lines[1] == "/base16/" else { throw .unknownEncoding(lines.dropFirst().first ?? "") }
        guard lines.count == 3 else { throw .malformed }
        let bytes: [UInt8]
        do { bytes = try Multibase.base16.decodeBare(lines[2].lowercased()) } catch { throw .malformed }
        try self.init(bytes: bytes)
    }

    /// The text of a file `swarm.key`; secret.
    public var text: String {
        "\(Self.format)\n/base16/\n\(Multibase.base16.encodeBare(bytes))\n"
    }

    /// Names the key without telling it, in 32 hexadecimal digits; Kubo and rust-libp2p show the same.
    public var fingerprint: String {
        var stream = Salsa20Stream(key: self, salsa20Nonce: Array("finprint".utf8))
        var block = [UInt8](repeating: 0, count: 64)
        unsafe block.withUnsafeMutableBytes { unsafe stream.apply(to: $0) }
        return Multibase.base16.encodeBare(SHAKE128.hash(block, byteCount: 16))
    }

    /// The key as the ciphers take it.
    var words: SIMD8<UInt32> {
        var words = SIMD8<UInt32>()
        for index in words.indices { words[index] = word(bytes, at: 4 * index) }
        return words
    }

    /// Names the key, never tells it.
    public var description: String { "PreSharedKey(\(fingerprint))" }

    /// Names the key, never tells it.
    public var debugDescription: String { description }

    /// Shows the fingerprint, never the key.
    public var customMirror: Mirror {
        Mirror(self, children: ["fingerprint": fingerprint])
    }
}

extension Substring {
    fileprivate var trimmed: String {
        String(drop { $0.isWhitespace }.reversed().drop { $0.isWhitespace }.reversed())
    }
}

/// Why a text is not the key of a private network.
public enum PreSharedKeyError: Error, Hashable {
    /// It is longer than such a file is.
    case tooLong(limit: Int)
    /// The first line is not `/key/swarm/psk/1.0.0/`.
    case unknownFormat
    /// The second line is not `/base16/`.
    case unknownEncoding(String)
    /// The third line is missing or holds other characters than hexadecimal digits, or another line follows.
    case malformed
    /// The key has so many bytes instead of 32.
    case wrongLength(Int)
}

extension PreSharedKeyError: CustomStringConvertible {
    /// What is wrong, and what to do about it.
    public var description: String {
        let advice = "a key file has the lines /key/swarm/psk/1.0.0/, /base16/ and 64 hexadecimal digits"
        return switch self {
        case .tooLong: "this is no key of a private network: it is too long; \(advice)"
        case .unknownFormat: "this is no key of a private network; \(advice)"
        case .unknownEncoding(let name): "the key is written as \(name), which is not understood; \(advice)"
        case .malformed: "the key is not hexadecimal; \(advice)"
        case .wrongLength(let count): "the key has \(count) bytes instead of 32; \(advice)"
        }
    }
}
