import ArgumentParser
import Foundation

/// Where models are kept.
struct StoreOptions: ParsableArguments {
    @Option(help: "The folder of models (LATTICE_MODELS; default: models in the data folder).")
    var models: String?

    @OptionGroup var common: CommonOptions

    func settings(_ flags: [String: String?] = [:]) async throws -> Settings {
        try await Settings(
            flags: common.flags.merging(["models": models]) { $1 }.merging(flags) { $1 },
            file: common.config
        )
    }

    func store() async throws -> ModelStore { ModelStore(settings: try await settings()) }
}
