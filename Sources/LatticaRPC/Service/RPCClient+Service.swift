public import LatticaCore
import NIOCore

/// Calls of methods with typed messages.
extension RPCClient {
    /// Sends one message and waits for the one that answers it.
    ///
    /// - Parameter deadline: counts from now, dialling included.
    public func call<Request, Response>(
        _ method: RPCUnaryMethod<Request, Response>,
        _ request: Request,
        on peer: PeerID,
        deadline: Duration,
        metadata: [String: String] = [:]
    ) async throws(RPCError) -> Response {
        let bytes = try request.encoded()
        return try Response.decoded(
            try await call(method.method, on: peer, request: bytes, deadline: deadline, metadata: metadata)
        )
    }

    /// Sends one message; the messages that answer it come as a sequence.
    ///
    /// - Parameter deadline: for all of them; without one the call lasts until a side ends it.
    public func stream<Request, Response>(
        _ method: RPCServerStreamMethod<Request, Response>,
        _ request: Request,
        on peer: PeerID,
        deadline: Duration?,
        metadata: [String: String] = [:]
    ) async throws(RPCError) -> RPCMessages<Response> {
        let bytes = try request.encoded()
        let call = try await open(method.method, on: peer, deadline: deadline, metadata: metadata)
        try await call.send(bytes)
        try await call.finish()
        return RPCMessages { () async throws(RPCError) in try await call.receiveBuffer() }
    }

    /// Sends many messages and waits for the one that answers them.
    ///
    /// - Parameter deadline: counts from now, dialling included.
    public func call<Request, Response, Requests: AsyncSequence>(
        _ method: RPCClientStreamMethod<Request, Response>,
        _ requests: Requests,
        on peer: PeerID,
        deadline: Duration,
        metadata: [String: String] = [:]
    ) async throws -> Response where Requests.Element == Request {
        let call = try await open(method.method, on: peer, deadline: deadline, metadata: metadata)
        do {
            for try await request in requests { try await call.send(try request.encoded()) }
            try await call.finish()
        } catch let error as RPCError {
            // The answer may have come before the end of the requests; then it tells more.
            guard error == .ended || error.code != .cancelled else { throw error }
        }
        guard let reply = try await call.receiveBuffer(), try await call.receiveBuffer() == nil else {
            throw RPCError.protocolViolation("\(method.method) gave no answer, or more than one")
        }
        return try Response.decoded(reply)
    }

    /// Begins a call in which messages go both ways.
    ///
    /// - Parameter deadline: counts from now, dialling included; without one the call lasts until a side ends it.
    public func open<Request, Response>(
        _ method: RPCStreamMethod<Request, Response>,
        on peer: PeerID,
        deadline: Duration?,
        metadata: [String: String] = [:]
    ) async throws(RPCError) -> RPCTypedCall<Request, Response> {
        RPCTypedCall(call: try await open(method.method, on: peer, deadline: deadline, metadata: metadata))
    }
}

/// A call under way with typed messages, as its caller sees it.
///
/// One task may send while another goes through the responses. A call that is let go of is cancelled.
public struct RPCTypedCall<Request: RPCMessage, Response: RPCMessage>: Sendable {
    /// The call underneath.
    public let call: RPCCall

    /// Sends a message; returns when the peer's window has taken it.
    public func send(_ request: Request) async throws(RPCError) {
        try await call.send(try request.encoded())
    }

    /// Tells the peer that no more messages will be sent.
    public func finish() async throws(RPCError) {
        try await call.finish()
    }

    /// The peer's messages.
    public var responses: RPCMessages<Response> {
        RPCMessages { () async throws(RPCError) in try await call.receiveBuffer() }
    }

    /// Ends the call and tells the peer to stop.
    public func cancel() {
        call.cancel()
    }
}

extension RPCMessage {
    fileprivate func encoded() throws(RPCError) -> ByteBuffer {
        do {
            return try rpcBytes()
        } catch {
            throw .failed(code: .invalidArgument, message: "the message cannot be encoded: \(error)")
        }
    }

    fileprivate static func decoded(_ bytes: ByteBuffer) throws(RPCError) -> Self {
        do {
            return try Self(rpcBytes: bytes)
        } catch {
            throw .protocolViolation("the answer cannot be decoded: \(error)")
        }
    }
}
