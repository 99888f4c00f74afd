import ArgumentParser

/// The command line: composes the modules and talks to what runs.
@main
struct Lattice: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "lattice",
        abstract: "Run and use a decentralized AI inference network.",
        discussion: """
            First time: `lattice up` starts a whole network on this machine and prints an address for the browser.

            Every setting can be given as a flag, as an environment variable (LATTICE_PORT for --port), or in a YAML
            file (--config). Flags win over the environment, the environment over the file, the file over the default.
            """,
        version: Build.version,
        subcommands: [
            UpCommand.self, ChatCommand.self, RunCommand.self, PullCommand.self, ModelsCommand.self, ShowCommand.self,
            RemoveCommand.self, VerifyCommand.self, NodeCommand.self, NexusCommand.self, LedgerCommand.self,
            BenchCommand.self, P2PCommand.self,
        ]
    )
}

/// What this program is.
enum Build {
    /// Semantic version; CHANGELOG.md says what is in it.
    static let version = "0.1.0"
}
