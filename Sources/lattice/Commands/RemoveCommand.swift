import ArgumentParser

/// Removes a model.
struct RemoveCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "rm",
        abstract: "Remove models from this machine.",
        discussion: "A process that has loaded one goes on with it."
    )

    @Argument(help: "Names, as 'lattice models' lists them.")
    var names: [String]

    @Flag(help: "Print JSON.")
    var json = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        struct Report: Encodable {
            var removed: [String]
        }
        let store = try await options.store()
        // All are known before one is removed.
        let models = try names.map { name in
            let model = try store.model(name)
            guard store.models().contains(where: { $0.path == model.path }) else {
                throw ModelStore.Fault(description: "\(name) is not in the store; remove it as any other file.")
            }
            return model
        }
        for model in models {
            try store.remove(model)
            if !json { print("removed \(model.name)") }
        }
        if json { print(try JSON.text(Report(removed: models.map(\.name)))) }
    }
}
