import ArgumentParser

/// Looks at peers and their connections.
struct P2PCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "p2p",
        abstract: "Look at peers: who they are, how far, what they answer.",
        discussion: """
            Addresses are multiaddresses such as /ip4/127.0.0.1/tcp/4001 or /dns4/example.org/tcp/443/ws, or \
            /dnsaddr/example.org for those that the DNS has there; with /p2p/ID behind, only that peer is accepted. \
            Each command dials, does its work and hangs up.
            """,
        subcommands: [ID.self, Ping.self, Identify.self, Call.self, Bench.self]
    )
}
