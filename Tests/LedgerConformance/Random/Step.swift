public import Ledger

/// One command of a random run, without what differs from ledger to ledger: the domain of signatures and the addresses of
/// the contracts.
public struct Step: Sendable, CustomStringConvertible {
    /// When it happens, in seconds since 1970.
    public let time: UInt64
    /// Who calls.
    public let caller: Secp256k1Key
    /// The command, for people.
    public let description: String
    private let build: @Sendable (any Ledger) throws -> Command

    init(
        _ time: UInt64,
        _ caller: Secp256k1Key,
        _ name: String,
        _ build: @escaping @Sendable (any Ledger) throws -> Command
    ) {
        self.time = time
        self.caller = caller
        self.build = build
        description = "\(time) \(name) by \(caller.address)"
    }

    /// The command for a ledger.
    public func command(for ledger: any Ledger) throws -> Command { try build(ledger) }
}
