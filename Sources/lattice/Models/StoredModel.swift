import Inference

/// A model on this machine.
struct StoredModel: Sendable {
    /// How it came here.
    enum Origin: Sendable {
        /// With the program.
        case bundled
        /// By `lattice pull`.
        case pulled(ModelManifest)
        /// Somebody put the file into the store's folder, or named it by its path.
        case file
    }

    let name: String
    let origin: Origin
    /// Its files, in order.
    let paths: [String]

    /// What to give the engine.
    var path: String { paths[0] }

    /// What the model says of itself: from the manifest, where this program wrote it, or else from the file.
    func summary() throws -> ModelSummary {
        if case .pulled(let manifest) = origin, manifest.summarizedBy == Build.version, let summary = manifest.summary {
            return summary
        }
        return ModelSummary(of: try GGUFFile(path: path))
    }

    /// The name under which a node offers it.
    var offeredName: String {
        switch origin {
        case .bundled, .file: DefaultModel.name(of: path)
        case .pulled: name
        }
    }

    /// Where it was pulled from, if it was: `organization/name:file`, or an address.
    var source: String? {
        guard case .pulled(let manifest) = origin else { return nil }
        return manifest.source
    }

    /// The SHA-256 that stands for it, where it is known without reading the file.
    var knownFingerprint: String? {
        guard case .pulled(let manifest) = origin else { return nil }
        return manifest.fingerprint
    }
}
