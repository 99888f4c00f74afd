import ArgumentParser
import Foundation
import LatticaCore

extension P2PCommand {
    /// An identity in a file.
    struct ID: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "id",
            abstract: "Show the peer id of a key file, or make one.",
            discussion: "The file holds libp2p's private key message, as other libp2p programs keep it."
        )

        @Option(help: "The file of the key; made if it is not there (LATTICE_KEY).")
        var key: String?

        @Option(help: "A YAML file of settings (LATTICE_CONFIG).")
        var config: String?

        @Flag(help: "Print one JSON object.")
        var json = false

        func run() async throws {
            let settings = try await Settings(flags: ["key": key], file: config)
            guard let path = settings.text("key") else {
                throw Settings.Fault(
                    description: "which key? Name its file: lattice p2p id --key FILE. One that is not there is made."
                )
            }
            let found = try KeyDescription(path: path)
            print(json ? try JSON.text(found) : found.description)
        }
    }
}

/// Whose key a file holds.
struct KeyDescription: Encodable, CustomStringConvertible {
    let peer: String
    let key: String
    let isCreated: Bool

    enum CodingKeys: String, CodingKey {
        case peer
        case key
        case isCreated = "created"
    }

    /// Reads the file, or makes it.
    init(path: String) throws {
        isCreated = !FileManager.default.fileExists(atPath: path)
        peer = try "\(Keypair.load(orCreateAt: path).peerID)"
        key = path
    }

    var description: String {
        isCreated ? "\(peer)\nMade \(key), which only you can read. Keep a copy: the id is lost with it." : peer
    }
}
