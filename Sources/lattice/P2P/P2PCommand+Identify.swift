import ArgumentParser
import Lattica
import LatticaCore
import LatticaProtocols

extension P2PCommand {
    /// What a peer says of itself.
    struct Identify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "identify",
            abstract: "Show what a peer says of itself, and how it sees us."
        )

        @Argument(help: "The peer's address: /ip4/…/tcp/…")
        var address: String

        @OptionGroup var options: P2POptions

        func run() async throws {
            let address = address
            let found = try await options.withPeer(at: address) { host, peer in
                PeerDescription(peer, try await P2PCommand.identity(of: peer, on: host, asked: address))
            }
            try options.show(found)
        }
    }

    /// What a connected peer says of itself, as soon as it has.
    static func identity(of peer: PeerID, on host: LatticaHost, asked address: String) async throws -> IdentifyMessage {
        let deadline = ContinuousClock.now + .seconds(10)
        while ContinuousClock.now < deadline, host.isConnected(to: peer) {
            if let identity = host.identity(of: peer) { return identity }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw Settings.Fault(
            description: host.isConnected(to: peer)
                ? "the peer at \(address) does not say who it is. --log-level debug tells more."
                : "the peer at \(address) hung up. It may belong to another network: give its version with --protocol."
        )
    }
}

/// What a peer said in identify.
struct PeerDescription: Encodable, CustomStringConvertible {
    let peer: String
    let agent: String?
    let protocolVersion: String?
    let protocols: [String]
    let listen: [String]
    let observed: String?

    enum CodingKeys: String, CodingKey {
        case peer
        case agent
        case protocolVersion = "protocol_version"
        case protocols
        case listen
        case observed
    }

    init(_ peer: PeerID, _ message: IdentifyMessage) {
        self.peer = "\(peer)"
        agent = message.agentVersion
        protocolVersion = message.protocolVersion
        protocols = message.protocols.map(\.name).sorted()
        listen = message.listenAddresses.map { "\($0)" }
        observed = message.observedAddress.map { "\($0)" }
    }

    var description: String {
        var lines = [
            "peer       \(peer)",
            "agent      \(agent ?? "not told")",
            "version    \(protocolVersion ?? "not told")",
            "sees us at \(observed ?? "not told")",
        ]
        for (title, values) in [("listens at", listen), ("speaks", protocols)] {
            lines += values.isEmpty ? ["\(title): not told"] : ["\(title):"] + values.map { "  \($0)" }
        }
        return lines.joined(separator: "\n")
    }
}
