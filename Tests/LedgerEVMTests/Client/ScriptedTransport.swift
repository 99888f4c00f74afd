import Foundation
import Ledger
import NIOConcurrencyHelpers

@testable import LedgerEVM

/// An endpoint without a network: answers every question with the JSON that a test gives for it.
final class ScriptedTransport: RPCTransport {
    let name = "scripted"
    private let answer: @Sendable (RPCCall) throws(RPCError) -> String

    init(_ answer: @escaping @Sendable (RPCCall) throws(RPCError) -> String) { self.answer = answer }

    func post(_ body: [UInt8]) async throws(RPCError) -> [UInt8] {
        guard let questions = try? JSONDecoder().decode(OneOrMany.self, from: Data(body)) else {
            throw .malformed("a question that is not JSON")
        }
        var answers: [String] = []
        for question in questions.all {
            let result = try answer(RPCCall(question.method, question.params))
            let isError = result.hasPrefix("error:")
            answers.append(
                isError
                    ? #"{"jsonrpc":"2.0","id":\#(question.id),"error":\#(result.dropFirst(6))}"#
                    : #"{"jsonrpc":"2.0","id":\#(question.id),"result":\#(result)}"#
            )
        }
        return Array((questions.isBatch ? "[\(answers.joined(separator: ","))]" : answers.joined()).utf8)
    }

    private struct Question: Decodable {
        var id: Int
        var method: String
        var params: [JSON]
    }

    private struct OneOrMany: Decodable {
        var all: [Question]
        var isBatch: Bool

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            if let many = try? container.decode([Question].self) {
                (all, isBatch) = (many, true)
            } else {
                (all, isBatch) = ([try container.decode(Question.self)], false)
            }
        }
    }
}

extension JSON: Decodable {
    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let text = try? container.decode(String.self) {
            self = .string(text)
        } else if let isTrue = try? container.decode(Bool.self) {
            self = .bool(isTrue)
        } else if let items = try? container.decode([JSON].self) {
            self = .array(items)
        } else {
            self = .object(try container.decode([String: JSON].self))
        }
    }

    var text: String? { if case .string(let text) = self { text } else { nil } }
    var quantity: UInt64? { text.flatMap { Quantity.decode($0) }.flatMap { UInt64(exactly: $0) } }

    subscript(key: String) -> JSON? { if case .object(let fields) = self { fields[key] } else { nil } }
}

/// A block as an endpoint gives it.
struct SimulatedHeader {
    var number: UInt64
    var hash: Bytes32
    var parent = Bytes32.zero

    var json: String {
        """
        {"number":"\(Quantity.encode(number))","hash":"\(hash)","parentHash":"\(parent)",
        "timestamp":"\(Quantity.encode(1_000 + number))","baseFeePerGas":"0x1","gasLimit":"0x1c9c380"}
        """
    }
}

/// A log as an endpoint gives it.
struct SimulatedLog {
    var address: Address
    var block: UInt64
    var index: UInt64
    var topics = 1
    var removed = false
    var blockHash = Bytes32.zero

    var json: String {
        let words = (0..<topics).map { "\"\(Bytes32(number: UInt64($0)))\"" }.joined(separator: ",")
        return """
            {"address":"\(Hex.encode(address.bytes))","topics":[\(words)],"data":"0x","blockNumber":"\(Quantity.encode(block))",
            "blockHash":"\(blockHash)","transactionHash":"\(Bytes32(number: 1))","logIndex":"\(Quantity.encode(index))",
            "removed":\(removed)}
            """
    }
}
