import ArgumentParser
import Foundation

/// A pull as a person asks for it: with the hub of the settings, and shown while it goes on.
struct PullJob {
    /// The hub that is asked when none is set.
    static let usualHub = "https://huggingface.co"

    private let settings: Settings
    private let hub: URL
    private let secret: Web.Secret?
    private let environment: [String: String]

    /// Reads the hub from the settings, and its token from the environment.
    init(settings: Settings, environment: [String: String] = ProcessInfo.processInfo.environment) throws {
        let address =
            settings.text("hub") ?? environment["HF_ENDPOINT"].flatMap { $0.isEmpty ? nil : $0 } ?? Self.usualHub
        guard let hub = URL(string: address), let origin = WebOrigin(hub), ["http", "https"].contains(origin.scheme)
        else {
            throw Settings.Fault(description: "hub is '\(address)': it must be an address such as \(Self.usualHub).")
        }
        self.settings = settings
        self.hub = hub
        self.environment = environment
        secret = environment["HF_TOKEN"].flatMap { $0.isEmpty ? nil : Web.Secret(token: $0, origin: origin) }
    }

    /// Pulls what `text` means; Ctrl-C ends the program, and keeps what has arrived.
    func run(
        _ text: String,
        name: ModelName? = nil,
        sha256: SHA256Text? = nil,
        isForced: Bool = false,
        asJSON: Bool = false
    ) async throws -> Puller.Result {
        let source = try PullSource(text, hub: hub)
        let display = PullDisplay(asJSON ? .json : Terminal.errors.isInteractive ? .bar : .lines)
        let web = Web(environment: environment)
        let puller = Puller(store: ModelStore(settings: settings), hub: Hub(url: hub, secret: secret, web: web)) {
            display.show($0)
        }
        do {
            let result = try await Interrupt.cancelling {
                try await puller.pull(source, name: name, sha256: sha256, isForced: isForced)
            }
            display.end()
            await web.shutdown()
            return result
        } catch {
            display.end()
            await web.shutdown()
            guard error is CancellationError else { throw error }
            let kept =
                display.received > 0
                ? " \(ByteText.of(display.received)) are kept, and the next pull goes on there." : ""
            StandardError.print("stopped.\(kept)")
            throw ExitCode(130)
        }
    }
}
