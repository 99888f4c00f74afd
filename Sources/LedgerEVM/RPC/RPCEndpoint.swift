import Foundation
import NIOConcurrencyHelpers

/// One question.
struct RPCCall: Hashable, Sendable {
    var method: String
    var parameters: [JSON]

    init(_ method: String, _ parameters: [JSON] = []) {
        self.method = method
        self.parameters = parameters
    }

    func json(id: Int) -> JSON {
        .object([
            "jsonrpc": .string("2.0"), "id": .number(id), "method": .string(method), "params": .array(parameters),
        ])
    }
}

/// One endpoint: asks, checks the form of answers, and that the endpoint serves the right chain.
final class RPCEndpoint: Sendable {
    let transport: any RPCTransport
    private let chainID: UInt64
    private let options: RPCOptions
    private let state = NIOLockedValueBox(State())

    private struct State {
        var lastID = 0
        /// Whether the endpoint named its chain since it was last lost; behind one address there may be several machines.
        var isChecked = false
    }

    init(transport: any RPCTransport, chainID: UInt64, options: RPCOptions) {
        self.transport = transport
        self.chainID = chainID
        self.options = options
    }

    /// Asks once.
    func ask<Value: Decodable>(_ call: RPCCall, as type: Value.Type) async throws(RPCError) -> Value {
        try await checkChain()
        return try await noticingLoss { () throws(RPCError) in try await self.one(call, as: type) }
    }

    /// Asks several questions at once; a refusal of one is an answer and no error.
    func ask<Value: Decodable>(
        _ calls: [RPCCall],
        as type: Value.Type
    ) async throws(RPCError) -> [Result<Value, RPCRefusal>] {
        try await checkChain()
        return try await noticingLoss { () throws(RPCError) in
            var answers: [Result<Value, RPCRefusal>] = []
            var rest = calls[...]
            while !rest.isEmpty {
                answers += try await self.batch(Array(rest.prefix(self.options.batchLimit)), as: type)
                rest = rest.dropFirst(self.options.batchLimit)
            }
            return answers
        }
    }

    private func checkChain() async throws(RPCError) {
        guard !state.withLockedValue({ $0.isChecked }) else { return }
        let answered = try await one(RPCCall("eth_chainId"), as: HexNumber64.self).value
        guard answered == chainID else { throw .wrongChain(expected: chainID, answered: answered) }
        state.withLockedValue { $0.isChecked = true }
    }

    /// After a fault of the connection the chain is asked for again.
    private func noticingLoss<Value>(_ body: () async throws(RPCError) -> Value) async throws(RPCError) -> Value {
        do { return try await body() } catch {
            if case .refused = error { throw error }
            state.withLockedValue { $0.isChecked = false }
            throw error
        }
    }

    private func one<Value: Decodable>(_ call: RPCCall, as type: Value.Type) async throws(RPCError) -> Value {
        let id = nextIDs(1)
        var text = ""
        call.json(id: id).append(to: &text)
        let bytes = try await transport.post(Array(text.utf8))
        let answer: RPCAnswer<Value> = try decode(bytes, call.method)
        switch answer.result {
        case .success(let value):
            guard answer.id == id else { throw .malformed("an answer to another question than \(call.method)") }
            return value
        case .failure(let refusal):
            // A question that could not be read is refused without its number.
            guard answer.id == id || answer.id == nil else {
                throw .malformed("an answer to another question than \(call.method)")
            }
            throw .refused(refusal)
        }
    }

    private func batch<Value: Decodable>(
        _ calls: [RPCCall],
        as type: Value.Type
    ) async throws(RPCError) -> [Result<Value, RPCRefusal>] {
        let first = nextIDs(calls.count)
        var text = ""
        JSON.array(calls.enumerated().map { $0.element.json(id: first + $0.offset) }).append(to: &text)
        let bytes = try await transport.post(Array(text.utf8))
        let answers: [RPCAnswer<Value>] = try decode(bytes, calls.first?.method ?? "nothing")
        guard answers.count == calls.count else {
            throw .malformed("\(answers.count) answers to \(calls.count) questions")
        }
        var ordered = [Result<Value, RPCRefusal>?](repeating: nil, count: calls.count)
        for answer in answers {
            guard let id = answer.id, ordered.indices.contains(id - first), ordered[id - first] == nil else {
                throw .malformed("an answer to a question that was not asked")
            }
            ordered[id - first] = answer.result
        }
        return ordered.compactMap(\.self)
    }

    private func decode<Value: Decodable>(_ bytes: [UInt8], _ method: String) throws(RPCError) -> Value {
        do { return try JSONDecoder().decode(Value.self, from: Data(bytes)) } catch let error as DecodingError {
            throw .malformed("\(method): \(Self.place(of: error))")
        } catch {
            throw .malformed("\(method): not JSON")
        }
    }

    /// Where an answer is wrong; never what it says, which is a stranger's text of any length.
    private static func place(of error: DecodingError) -> String {
        func path(_ context: DecodingError.Context) -> String {
            let keys = context.codingPath.prefix(8).map { $0.intValue.map { "[\($0)]" } ?? $0.stringValue }
            return keys.isEmpty ? "the answer" : String(keys.joined(separator: ".").prefix(100))
        }
        return switch error {
        case .typeMismatch(_, let context): "\(path(context)) has a wrong type"
        case .valueNotFound(_, let context): "\(path(context)) is null"
        case .keyNotFound(let key, let context): "\(path(context)) lacks \(key.stringValue.prefix(40))"
        case .dataCorrupted(let context): "\(path(context)) is not valid"
        @unknown default: "not valid"
        }
    }

    private func nextIDs(_ count: Int) -> Int {
        state.withLockedValue { state in
            let first = state.lastID + 1
            state.lastID += count
            return first
        }
    }
}
