import LatticaCore
import Multiformats

/// Follows `/dnsaddr/…` to addresses that can be dialled (multiformats, dnsaddr; libp2p specs, addressing).
///
/// The text records of `_dnsaddr.HOST` that begin with `dnsaddr=` are addresses. Of these the ones count that end in the peer that
/// was asked for, and those that are `/dnsaddr/…` themselves are followed. Whoever writes the records decides about none of the
/// bounds: how deep it goes, how many names are asked and how many addresses are taken, over all names of one dial.
struct DNSAddrWalk: Sendable {
    /// What one dial may cost.
    struct Bounds: Hashable, Sendable {
        var depth: Int
        var names: Int
        var addresses: Int
    }

    /// A name to ask for, and what its answer is for.
    struct Question: Hashable, Sendable {
        /// The name without its prefix.
        let host: String
        /// What a record must end in: the layers up to the first peer id.
        fileprivate let suffix: [Multiaddr.Component]
        /// What is behind the peer, such as a circuit; it is carried over.
        fileprivate let rest: [Multiaddr.Component]
        /// How many names have led here.
        fileprivate let depth: Int

        /// The name whose text records are meant.
        var name: String { "_dnsaddr." + host }
    }

    /// More than any name has; a resolver of another kind may know no bound of its own.
    static let mostRecords = 1000

    private static let prefix = "dnsaddr="

    private let bounds: Bounds
    private var asked: Set<[Multiaddr.Component]> = []
    private(set) var found: [Multiaddr] = []
    /// Why names led nowhere, each once.
    private(set) var failures: [DNSAddrError] = []

    init(_ bounds: Bounds) {
        self.bounds = bounds
    }

    /// The questions to begin with.
    mutating func start(_ addresses: [Multiaddr]) -> [Question] {
        addresses.compactMap { follow($0, depth: 0) }
    }

    /// Takes the records of a name, and tells what to ask next.
    mutating func answered(_ question: Question, with texts: [String]) -> [Question] {
        let records = texts.prefix(Self.mostRecords).filter { $0.hasPrefix(Self.prefix) }
        guard !records.isEmpty else { return fail(.noRecords(question.host)) }
        let addresses = records.compactMap { try? Multiaddr(String($0.dropFirst(Self.prefix.count))) }
        guard !addresses.isEmpty else { return fail(.unreadable(question.host, records: records.count)) }
        let fit = addresses.filter { address in
            address.components.count > question.suffix.count
                && address.components.suffix(question.suffix.count).elementsEqual(question.suffix)
        }
        guard !fit.isEmpty else {
            let peer = question.suffix.map(\.description).joined()
            return fail(.noneForPeer(question.host, peer: peer, others: addresses.count))
        }
        var questions: [Question] = []
        for address in fit {
            let whole = Multiaddr(address.components + question.rest)
            if whole.isDNSAddr {
                if let next = follow(whole, depth: question.depth + 1) { questions.append(next) }
            } else if found.count < bounds.addresses, !found.contains(whole) {
                found.append(whole)
            }
        }
        return questions
    }

    /// Takes that a name has not been answered.
    mutating func failed(_ question: Question, _ error: TXTLookupError) {
        switch error {
        case .invalidName: fail(.invalidName(question.host))
        case .noSuchName: fail(.noSuchName(question.host))
        case .noRecords: fail(.noRecords(question.host))
        case .notAnswered(let reason): fail(.notAnswered(question.host, reason: reason))
        case .cancelled: fail(.timedOut(question.host))
        }
    }

    private mutating func follow(_ address: Multiaddr, depth: Int) -> Question? {
        guard case .dnsaddr(let host) = address.components.first else { return nil }
        guard depth <= bounds.depth else {
            fail(.tooDeep(host, limit: bounds.depth))
            return nil
        }
        // Enough is enough: further names could add nothing.
        guard found.count < bounds.addresses else { return nil }
        guard !asked.contains(address.components) else {
            fail(.circular(host))
            return nil
        }
        guard asked.count < bounds.names else {
            fail(.tooManyNames(limit: bounds.names))
            return nil
        }
        asked.insert(address.components)
        let layers = address.components.dropFirst()
        let peer = layers.firstIndex { if case .p2p = $0 { true } else { false } }
        let end = peer.map { $0 + 1 } ?? layers.endIndex
        return Question(host: host, suffix: Array(layers[..<end]), rest: Array(layers[end...]), depth: depth)
    }

    @discardableResult
    private mutating func fail(_ error: DNSAddrError) -> [Question] {
        if failures.count <= bounds.names, !failures.contains(error) { failures.append(error) }
        return []
    }
}

extension Multiaddr {
    /// Whether the DNS has to be asked for the addresses behind it.
    var isDNSAddr: Bool {
        if case .dnsaddr = components.first { true } else { false }
    }
}
