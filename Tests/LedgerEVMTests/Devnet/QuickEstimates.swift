import Foundation

@testable import LedgerEVM

/// Tries a call once where its gas is asked for, and answers with what every call of the ledger can live on.
///
/// The devnet tries four times to find the figure, which is most of what the scenarios would take. The tests of the outbox and
/// of the ledger ask for the true one.
struct QuickEstimates: RPCTransport {
    let inner: HTTPTransport

    var name: String { inner.name }

    private struct Question: Decodable { var id: Int }

    private struct Answer: Decodable { var result: String? }

    func post(_ body: [UInt8]) async throws(RPCError) -> [UInt8] {
        let text = String(decoding: body, as: UTF8.self)
        let estimate = "\"method\":\"eth_estimateGas\""
        guard text.contains(estimate), let question = try? JSONDecoder().decode(Question.self, from: Data(body)) else {
            return try await inner.post(body)
        }
        let call = text.replacingOccurrences(of: estimate, with: "\"method\":\"eth_call\"")
        let answer = try await inner.post(Array(call.utf8))
        let tried = try? JSONDecoder().decode(Answer.self, from: Data(answer))
        guard tried?.result != nil else { return answer }
        return Array(#"{"jsonrpc":"2.0","id":\#(question.id),"result":"0xf42400"}"#.utf8)
    }
}
