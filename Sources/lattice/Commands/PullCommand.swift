import ArgumentParser
import Foundation
import Inference

/// Fetches a model.
struct PullCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "pull",
        abstract: "Fetch a model: from a hub, or from any address.",
        discussion: """
            lattice pull organization/name              the usual file of a hub's repository (Q4_K_M if it has one)
            lattice pull organization/name:Q8_0         another quantisation
            lattice pull organization/name:some.gguf    one of its files
            lattice pull https://example.org/some.gguf  a file at an address

            Ctrl-C stops it; the next time it goes on where it stopped. A model gets its name only when all of it is
            here, its digest is right, and its header can be read. HF_TOKEN opens gated models, and is shown to the hub
            alone. HTTPS_PROXY and NO_PROXY are honoured.
            """
    )

    @Argument(help: "organization/name[:quantisation or file], or an address.")
    var source: String

    @Option(help: "The name to keep it under, name:tag (default: from the source).")
    var name: String?

    @Option(help: "The SHA-256 that the file must have, in hexadecimal.")
    var sha256: String?

    @Option(help: "The address of the hub or a mirror of it (LATTICE_HUB, HF_ENDPOINT; default: \(PullJob.usualHub)).")
    var hub: String?

    @Flag(help: "Fetch it though it is here, and put it in the place of another model of that name.")
    var force = false

    @Flag(help: "Print what happens as JSON, one object on a line.")
    var json = false

    @OptionGroup var options: StoreOptions

    func run() async throws {
        let digest = try sha256.map { text in
            guard let digest = SHA256Text(text) else {
                throw Settings.Fault(description: "--sha256 has 64 hexadecimal digits, as 'sha256sum' prints them.")
            }
            return digest
        }
        let job = try PullJob(settings: try await options.settings(["hub": hub]))
        try report(
            await job.run(
                source,
                name: try name.map { try ModelName($0) },
                sha256: digest,
                isForced: force,
                asJSON: json
            )
        )
    }

    private func report(_ result: Puller.Result) throws {
        struct Report: Encodable {
            var event = "done"
            var name: String
            var was_there: Bool
            var fingerprint: String
            var size: Int
            var supported: Bool
            var fault: String?
        }
        let manifest = result.manifest
        if json {
            PullDisplay.print(
                Report(
                    name: manifest.name,
                    was_there: result.wasThere,
                    fingerprint: manifest.fingerprint,
                    size: result.summary.size,
                    supported: result.summary.fault == nil,
                    fault: result.summary.fault
                )
            )
            return
        }
        let summary = result.summary
        let kind =
            "\(summary.architecture.printable), \(CountText.of(summary.parameters)) parameters, \(summary.quantization)"
        print("\(manifest.name)  \(kind), \(ByteText.of(summary.size))" + (result.wasThere ? ", was here already" : ""))
        if let fault = summary.fault {
            StandardError.print("It cannot be run here: \(fault.printable)")
        } else if !result.wasThere, Terminal.output.isInteractive, !summary.isEmbedder {
            print("Try it:  lattice run \(manifest.name)")
        }
    }
}
