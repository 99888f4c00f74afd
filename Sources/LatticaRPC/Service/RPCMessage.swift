public import NIOCore

/// What can be sent as a message of a call.
///
/// How it is encoded is its own affair: Protocol Buffers, JSON, plain bytes. Decoding reads what a peer sent, so it
/// throws, and never traps.
public protocol RPCMessage: Sendable {
    /// Decodes a message.
    init(rpcBytes: ByteBuffer) throws

    /// Encodes the message.
    func rpcBytes() throws -> ByteBuffer
}

extension ByteBuffer: RPCMessage {
    /// The bytes as they came.
    public init(rpcBytes: ByteBuffer) { self = rpcBytes }

    /// The bytes as they are.
    public func rpcBytes() -> ByteBuffer { self }
}

extension [UInt8]: RPCMessage {
    /// The bytes as they came.
    public init(rpcBytes: ByteBuffer) { self.init(buffer: rpcBytes) }

    /// The bytes as they are.
    public func rpcBytes() -> ByteBuffer { ByteBuffer(bytes: self) }
}

extension String: RPCMessage {
    /// The text of bytes that are UTF-8.
    public init(rpcBytes: ByteBuffer) throws {
        guard let text = String(validating: rpcBytes.readableBytesView, as: UTF8.self) else {
            throw RPCFailure(code: .invalidArgument, message: "the text is not UTF-8")
        }
        self = text
    }

    /// The text as UTF-8.
    public func rpcBytes() -> ByteBuffer { ByteBuffer(string: self) }
}
