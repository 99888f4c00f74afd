public import SwiftProtobuf

extension Message {
    /// The message as it travels.
    public func wireBytes() throws -> [UInt8] {
        try serializedBytes()
    }

    /// Reads a message as it travelled.
    ///
    /// - Throws: ``MessageError/undecodable(_:)``.
    public init(wire bytes: [UInt8]) throws(MessageError) {
        do {
            try self.init(serializedBytes: bytes)
        } catch {
            throw .undecodable(Self.protoMessageName)
        }
    }
}
