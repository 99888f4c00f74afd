import AsyncHTTPClient
import Dispatch
import Foundation
import Inference
import NIOCore
import NIOHTTP1

/// Calls one engine, and nothing else: it follows no redirect, so that neither a prompt nor the key goes anywhere else.
final class EngineClient: Sendable {
    /// More would be no answer to anything that is asked: the tokens of a prompt of a million characters have 7 MB.
    static let bodyLimit = 16 << 20

    let address: EngineAddress
    private let key: EngineKey?
    private let client: HTTPClient
    private let callDeadline: Duration

    init(address: EngineAddress, key: EngineKey?, options: RemoteEngineOptions) {
        self.address = address
        self.key = key
        callDeadline = options.callDeadline
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout.connect = .nanoseconds(options.connectDeadline.nanoseconds)
        configuration.httpVersion = .http1Only
        // Beyond these a call would wait for another to end, and answers last.
        configuration.connectionPool.concurrentHTTP1ConnectionsPerHostSoftLimit = 4096
        // A connection refused is an answer: nobody is there.
        configuration.connectionPool.retryConnectionEstablishment = false
        client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
    }

    deinit {
        // The client stays alive until it is shut down; calls that it has under way fail.
        client.shutdown(queue: .global()) { _ in }
    }

    /// A call's answer, whatever its status.
    func send(
        _ method: HTTPMethod,
        _ path: String,
        body: String? = nil
    ) async throws(ChatEngineError) -> (status: UInt, body: [UInt8]) {
        var request = HTTPClientRequest(url: address.description + path)
        request.method = method
        request.headers = headers
        if let body { request.body = .bytes(ByteBuffer(string: body)) }
        do {
            let response = try await client.execute(request, timeout: .nanoseconds(callDeadline.nanoseconds))
            let bytes = try await response.body.collect(upTo: Self.bodyLimit)
            return (response.status.code, Array(bytes.readableBytesView))
        } catch is NIOTooManyBytesError {
            throw .failed("its answer to \(path) has more than \(Self.bodyLimit) bytes")
        } catch {
            throw unreachable(error)
        }
    }

    /// The answer to a call that must succeed.
    func call<Answer: Decodable>(
        _ method: HTTPMethod,
        _ path: String,
        body: String? = nil,
        as type: Answer.Type
    ) async throws(ChatEngineError) -> Answer {
        let (status, bytes) = try await send(method, path, body: body)
        guard status == 200 else { throw EngineFault.error(status: status, body: bytes) }
        guard let answer = try? JSONDecoder().decode(Answer.self, from: Data(bytes)) else {
            throw .failed("its answer to \(path) cannot be read")
        }
        return answer
    }

    /// The answer to a question that not every engine understands; `nil` if this one does not.
    func ask<Answer: Decodable>(
        _ method: HTTPMethod = .GET,
        _ path: String,
        body: String? = nil,
        as type: Answer.Type
    ) async throws(ChatEngineError) -> Answer? {
        let (status, bytes) = try await send(method, path, body: body)
        guard status == 200 else { return nil }
        return try? JSONDecoder().decode(Answer.self, from: Data(bytes))
    }

    /// Begins a call whose answer is a stream.
    func stream<Delegate: HTTPClientResponseDelegate>(
        _ path: String,
        body: String,
        to delegate: Delegate
    ) throws(ChatEngineError) -> HTTPClient.Task<Delegate.Response> {
        let request: HTTPClient.Request
        do {
            request = try HTTPClient.Request(
                url: address.description + path,
                method: .POST,
                headers: headers,
                body: .byteBuffer(ByteBuffer(string: body))
            )
        } catch {
            throw unreachable(error)
        }
        return client.execute(request: request, delegate: delegate)
    }

    /// What to say of an error that is no answer.
    func unreachable(_ error: any Error) -> ChatEngineError {
        .unavailable("\(address): \(EngineFault.words(for: error))")
    }

    private var headers: HTTPHeaders {
        // A connection for each call: llama.cpp closes idle ones after 5 s and any after 100 calls, and what is sent at
        // that moment is lost. A connection on the same machine costs 0.1 ms.
        var headers: HTTPHeaders = ["Content-Type": "application/json", "User-Agent": "lattice", "Connection": "close"]
        if let key { headers.add(name: "Authorization", value: key.authorization) }
        return headers
    }
}

extension Duration {
    /// Whole nanoseconds; the longest time that fits for longer ones.
    var nanoseconds: Int64 {
        let (seconds, attoseconds) = components
        let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
        return overflow ? .max : product + attoseconds / 1_000_000_000
    }
}
