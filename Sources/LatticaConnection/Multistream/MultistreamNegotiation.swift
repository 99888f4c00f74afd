import LatticaCore
import NIOCore

/// Agrees with the other side on what to speak next (multistream-select 1.0).
///
/// The side that opened the connection or stream proposes, the other echoes the proposal or answers `na`. A dialer may
/// send what comes next behind its proposal without waiting, so bytes behind the message that settled the matter are
/// left in the input, for whatever was agreed on.
struct MultistreamNegotiation {
    enum Outcome: Equatable {
        /// More bytes are needed.
        case pending
        case agreed(ProtocolID)
        /// The listener knows none of what this dialer proposed.
        case refused
    }

    /// Longer than any name in use, and what go-libp2p takes.
    ///
    /// The length is checked before anything is kept.
    static let longestMessage = 1024

    /// More versions of a thing than any peer offers.
    ///
    /// A dialer that goes on guessing costs work for nothing.
    static let mostProposals = 32

    private static let header = "/multistream/1.0.0"
    private static let headerMessage = [UInt8(header.utf8.count + 1)] + Array("\(header)\n".utf8)
    private static let refusal = "na"
    private static let listing = "ls"

    private enum State {
        case dialing(current: ProtocolID, next: ArraySlice<ProtocolID>)
        case answering(supported: Set<ProtocolID>, proposals: Int)
        case over(Outcome)
    }

    private var state: State
    private var isHeaderDue = true

    /// Takes the dialer's side.
    ///
    /// - Parameter protocols: what to propose, the preferred first.
    init(proposing protocols: [ProtocolID]) {
        if let first = protocols.first {
            state = .dialing(current: first, next: protocols.dropFirst())
        } else {
            state = .over(.refused)
        }
    }

    /// Takes the listener's side.
    init(answering supported: Set<ProtocolID>) {
        state = .answering(supported: supported, proposals: 0)
    }

    /// How many proposals this listener has refused.
    var refusals: Int {
        guard case .answering(_, let proposals) = state else { return 0 }
        return proposals
    }

    /// What a dialer has proposed with nothing left to propose instead; `nil` for a listener, and while there is a choice.
    var lastProposal: ProtocolID? {
        guard case .dialing(let current, let next) = state, next.isEmpty else { return nil }
        return current
    }

    /// What a dialer sends first: the header and its first proposal in one flight.
    ///
    /// Empty for a listener.
    func openingFlight() -> ByteBuffer {
        var flight = ByteBuffer()
        if case .dialing(let current, _) = state {
            flight.writeMultistream(Self.header)
            flight.writeMultistream(current.name)
        }
        return flight
    }

    /// Takes bytes from the other side, as many as belong to the negotiation.
    ///
    /// - Parameter reply: what is to be sent is appended here; also before an error is thrown.
    mutating func receive(
        _ input: inout ByteBuffer,
        reply: inout ByteBuffer
    ) throws(MultistreamError) -> Outcome {
        while true {
            if case .over(let outcome) = state { return outcome }
            // What is not multistream-select is noticed by its first bytes: its rest may never come.
            if isHeaderDue, !input.readableBytesView.starts(like: Self.headerMessage) { throw .notMultistream }
            guard let message = try input.readMultistream(limit: Self.longestMessage) else { return .pending }
            if isHeaderDue {
                guard message == Self.header else { throw .notMultistream }
                isHeaderDue = false
                if case .answering = state { reply.writeMultistream(Self.header) }
                continue
            }
            switch state {
            case .dialing(let current, let next):
                try settle(message, current: current, next: next, reply: &reply)
            case .answering(let supported, let proposals):
                try answer(message, supported: supported, proposals: proposals, reply: &reply)
            case .over:
                continue
            }
        }
    }

    private mutating func settle(
        _ message: String,
        current: ProtocolID,
        next: ArraySlice<ProtocolID>,
        reply: inout ByteBuffer
    ) throws(MultistreamError) {
        switch message {
        case current.name:
            state = .over(.agreed(current))
        case Self.refusal:
            guard let proposal = next.first else {
                state = .over(.refused)
                return
            }
            reply.writeMultistream(proposal.name)
            state = .dialing(current: proposal, next: next.dropFirst())
        default:
            throw .unexpectedAnswer
        }
    }

    private mutating func answer(
        _ message: String,
        supported: Set<ProtocolID>,
        proposals: Int,
        reply: inout ByteBuffer
    ) throws(MultistreamError) {
        let proposal = ProtocolID(message)
        if supported.contains(proposal) {
            reply.writeMultistream(message)
            state = .over(.agreed(proposal))
            return
        }
        guard proposals < Self.mostProposals else { throw .tooManyProposals }
        state = .answering(supported: supported, proposals: proposals + 1)
        if message == Self.listing {
            reply.writeMultistreamList(supported.map(\.name).sorted())
        } else {
            reply.writeMultistream(Self.refusal)
        }
    }
}

/// Why a negotiation by multistream-select could not go on.
public enum MultistreamError: Error, Hashable {
    /// A message is longer than this host takes.
    case messageTooLong(limit: Int)
    /// A message is empty, is not text, or does not end in a newline.
    case malformed
    /// The other side does not begin with the header of multistream-select 1.0.
    case notMultistream
    /// The listener answered with something that was not proposed.
    case unexpectedAnswer
    /// The dialer went on proposing after many refusals.
    case tooManyProposals
}

extension ByteBufferView {
    /// Whether nothing in it differs from the expected bytes, as far as both go.
    fileprivate func starts(like expected: [UInt8]) -> Bool {
        zip(self, expected).allSatisfy { $0 == $1 }
    }
}

extension ByteBuffer {
    /// Appends one message: its length with the newline, the text, the newline.
    fileprivate mutating func writeMultistream(_ text: String) {
        writeMultistreamLength(text.utf8.count + 1)
        writeString(text)
        writeInteger(UInt8(ascii: "\n"))
    }

    /// Appends the answer to `ls`: messages inside a message.
    fileprivate mutating func writeMultistreamList(_ names: [String]) {
        var names = names[...]
        var list = ByteBuffer()
        while let name = names.popFirst() {
            list.writeMultistream(name)
        }
        writeMultistreamLength(list.readableBytes + 1)
        writeBuffer(&list)
        writeInteger(UInt8(ascii: "\n"))
    }

    private mutating func writeMultistreamLength(_ length: Int) {
        var rest = length
        while rest > 0x7f {
            writeInteger(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        writeInteger(UInt8(truncatingIfNeeded: rest))
    }

    /// Takes one whole message without its newline; `nil`, and nothing taken, while bytes are missing.
    fileprivate mutating func readMultistream(limit: Int) throws(MultistreamError) -> String? {
        guard let (prefix, length) = try multistreamLength(limit: limit),
            let message = getBytes(at: readerIndex + prefix, length: length)
        else { return nil }
        moveReaderIndex(forwardBy: prefix + length)
        guard message.last == UInt8(ascii: "\n"),
            let text = String(validating: message.dropLast(), as: UTF8.self)
        else { throw .malformed }
        return text
    }

    /// The length of the next message, and of what tells it.
    private func multistreamLength(limit: Int) throws(MultistreamError) -> (prefix: Int, length: Int)? {
        // Three groups of seven bits tell more than any limit.
        let groups = readableBytesView.prefix(3)
        var length = 0
        for (index, byte) in groups.enumerated() {
            length |= Int(byte & 0x7f) << (7 * index)
            guard length <= limit else { throw .messageTooLong(limit: limit) }
            if byte & 0x80 == 0 { return (index + 1, length) }
        }
        guard groups.count < 3 else { throw .messageTooLong(limit: limit) }
        return nil
    }
}
