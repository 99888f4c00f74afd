import ArgumentParser
import Foundation
import Logging

/// Where the data lies, and the file of settings.
struct CommonOptions: ParsableArguments {
    @Option(help: "The folder that holds everything (LATTICE_DATA_DIR; default: $XDG_DATA_HOME/lattice).")
    var dataDir: String?

    @Option(help: "A YAML file of settings (LATTICE_CONFIG).")
    var config: String?

    @Option(help: "trace, debug, info, notice, warning or error (LATTICE_LOG_LEVEL; default: warning).")
    var logLevel: String?

    /// The flags by the names of their settings.
    var flags: [String: String?] { ["data.dir": dataDir, "log.level": logLevel] }

    /// A log on standard error, as detailed as was asked for.
    static func logger(_ settings: Settings, label: String) throws -> Logger {
        let text = settings.text("log.level", default: "warning")
        guard let level = Logger.Level(rawValue: text.lowercased()) else {
            throw Settings.Fault(
                description: "log.level is '\(text)': it must be trace, debug, info, notice, warning or error."
            )
        }
        var logger = Logger(label: label) { StreamLogHandler.standardError(label: $0) }
        logger.logLevel = level
        return logger
    }
}

/// How to reach a Nexus over HTTP.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: "The address of the API (LATTICE_BASE_URL, OPENAI_BASE_URL; default: the one that 'lattice up' wrote)."
    )
    var baseURL: String?

    @Option(
        help: "The API key (LATTICE_API_KEY, OPENAI_API_KEY; better there than here, where other users can read it)."
    )
    var apiKey: String?

    @OptionGroup var common: CommonOptions

    func settings() async throws -> Settings {
        try await Settings(
            flags: common.flags.merging(["base.url": baseURL, "api.key": apiKey]) { $1 },
            file: common.config
        )
    }
}
