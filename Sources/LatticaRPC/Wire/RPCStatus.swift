import LatticaCore
import NIOCore

/// What a server says last.
struct RPCStatus: Hashable, Sendable {
    var code: RPCCode
    var message: String

    /// A longer message is cut; it is for a person.
    static let maximumMessageLength = 1024

    private enum Field {
        static let code: UInt64 = 1
        static let message: UInt64 = 2
    }

    static let ok = RPCStatus(code: .ok, message: "")

    init(code: RPCCode, message: String) {
        self.code = code
        self.message = message.cut(to: Self.maximumMessageLength)
    }

    init(reading bytes: ByteBuffer) throws(RPCError) {
        self = .ok
        var reader = RPCFieldReader(bytes)
        while let (field, type) = try reader.next() {
            switch field {
            case Field.code: code = RPCCode(rawValue: try reader.varint(type)) ?? .unknown
            case Field.message: message = try reader.text(type).cut(to: Self.maximumMessageLength)
            default: try reader.skip(type)
            }
        }
    }

    /// What the caller is told; `nil` when all is well.
    var error: RPCError? {
        code == .ok ? nil : .failed(code: code, message: message)
    }

    /// How many bytes ``write(to:)`` writes.
    var encodedLength: Int {
        var length = code == .ok ? 0 : 2
        if !message.isEmpty { length += 1 + ByteBuffer.uvarintLength(UInt64(message.utf8.count)) + message.utf8.count }
        return length
    }

    func write(to buffer: inout ByteBuffer) {
        if code != .ok {
            buffer.writeInteger(UInt8(Field.code << 3))
            // All codes are below 128.
            buffer.writeInteger(UInt8(truncatingIfNeeded: code.rawValue))
        }
        if !message.isEmpty {
            buffer.writeInteger(UInt8(Field.message << 3 | 2))
            buffer.writeUvarint(UInt64(message.utf8.count))
            buffer.writeString(message)
        }
    }
}

extension String {
    /// At most so many bytes of UTF-8, in whole characters.
    fileprivate func cut(to limit: Int) -> String {
        guard utf8.count > limit else { return self }
        var cut = Substring()
        var length = 0
        for character in self {
            length += character.utf8.count
            if length > limit { break }
            cut.append(character)
        }
        return String(cut)
    }
}
