/// Why a `/dnsaddr/…` led to no address.
public enum DNSAddrError: Error, Hashable {
    /// The name cannot stand in the DNS.
    case invalidName(String)
    /// The DNS does not have the name.
    case noSuchName(String)
    /// The name has no text records of the form `dnsaddr=…`.
    case noRecords(String)
    /// The name has records of the form, and none of them holds an address that can be read.
    case unreadable(String, records: Int)
    /// The name has addresses, and none of them ends in the peer that was asked for.
    case noneForPeer(String, peer: String, others: Int)
    /// The records lead to other names, and those on to more than are followed one after the other.
    case tooDeep(String, limit: Int)
    /// The records lead to names that were asked already.
    case circular(String)
    /// More names than are asked for one dial.
    case tooManyNames(limit: Int)
    /// The name servers refused, failed or were not reached; the reason is for the log.
    case notAnswered(String, reason: String)
    /// The answer did not come in time.
    case timedOut(String)
}

extension DNSAddrError: CustomStringConvertible {
    /// What failed, and what to do about it.
    public var description: String {
        switch self {
        case .invalidName(let name):
            "'\(name)' cannot be a name in the DNS: write letters, digits, '-' and '.', and other scripts as xn--…"
        case .noSuchName(let name): "the DNS does not have \(name); check how it is spelled"
        case .noRecords(let name):
            "\(name) has no TXT records of the form dnsaddr=/…; to reach a machine of that name, dial /dns/\(name)/tcp/PORT"
        case .unreadable(let name, let records):
            "none of the \(records) dnsaddr records of \(name) can be read; whoever runs it must mend them"
        case .noneForPeer(let name, let peer, let others):
            "none of the addresses that \(name) has, \(others) in number, ends in \(peer); check the id"
        case .tooDeep(let name, let limit):
            "the records lead over \(limit) names on to \(name), and no further ones are asked; dial a name nearer to the peer"
        case .circular(let name): "the records lead back to \(name); whoever runs it must mend them"
        case .tooManyNames(let limit):
            "the records lead to more than \(limit) names; put /p2p/ID behind the address to have only that peer looked for"
        case .notAnswered(let name, let reason):
            "no name server tells the records of \(name) (\(reason)); check that this machine is online and knows its name servers"
        case .timedOut(let name): "the records of \(name) did not come in time; try again, or ask another name server"
        }
    }
}
