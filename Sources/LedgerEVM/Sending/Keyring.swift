public import Ledger

import NIOConcurrencyHelpers

/// The keys with which commands are signed and sent, by their addresses.
///
/// Shows addresses only, never a key.
public final class Keyring: Sendable {
    private let keys: NIOLockedValueBox<[Address: Secp256k1Key]>

    /// Holds these keys.
    public init(_ keys: [Secp256k1Key] = []) {
        self.keys = NIOLockedValueBox(Dictionary(keys.map { ($0.address, $0) }) { first, _ in first })
    }

    /// Takes one more key.
    public func add(_ key: Secp256k1Key) {
        keys.withLockedValue { $0[key.address] = key }
    }

    /// The addresses of all keys.
    public var addresses: Set<Address> { keys.withLockedValue { Set($0.keys) } }

    /// Whether commands of this caller can be sent.
    public func holdsKey(of caller: Address) -> Bool { keys.withLockedValue { $0[caller] != nil } }

    func key(of caller: Address) -> Secp256k1Key? { keys.withLockedValue { $0[caller] } }
}

extension Keyring: CustomStringConvertible, CustomReflectable {
    /// How many keys there are.
    public var description: String { "Keyring(\(addresses.count) keys)" }

    /// Shows the addresses only.
    public var customMirror: Mirror { Mirror(self, children: ["addresses": addresses]) }
}
