import Foundation
import Inference
import SystemPackage

/// What happens while a model is pulled.
enum PullEvent: Sendable, Equatable {
    /// It is known what will be fetched; sizes where the source tells them.
    case found(name: String, files: [String], size: Int?)
    /// The next file.
    case file(number: Int, name: String)
    /// This much of the file is there from an earlier time.
    case resumed(at: Int, of: Int?)
    /// Bytes begin to come.
    case started(at: Int, of: Int?)
    case received(Int)
    /// What was there cannot be used.
    case startsAgain(String)
    case retrying(String, after: Duration)
    /// All is there; it is looked at.
    case checking
}

/// Fetches a model into the store.
struct Puller: Sendable {
    let store: ModelStore
    let hub: Hub
    var retrying = Retrying()
    /// The bytes that are free where a path is.
    var freeSpace: @Sendable (String) -> Int? = Puller.freeSpace
    let report: @Sendable (PullEvent) -> Void

    /// What came of it.
    struct Result: Sendable {
        let manifest: ModelManifest
        let summary: ModelSummary
        /// Whether it was there already, so that nothing was fetched.
        let wasThere: Bool
    }

    /// Why a model was not pulled.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// What is to be fetched, and the name that it gets.
    private struct Order {
        var name: ModelName
        var source: String
        var files: [FileDownload.Remote]
        var secret: Web.Secret?
    }

    /// Fetches what `source` means, checks it, and gives it its name.
    ///
    /// - Parameters:
    ///   - name: the name to keep it under; by default it comes from the source.
    ///   - sha256: what the file must hash to.
    ///   - isForced: whether it is fetched though it is there, and put in the place of another of that name.
    func pull(_ source: PullSource, name: ModelName?, sha256: SHA256Text?, isForced: Bool = false) async throws
        -> Result
    {
        let order = try await order(source, name: name, sha256: sha256)
        let sizes = order.files.compactMap(\.size)
        report(
            .found(
                name: order.name.description,
                files: order.files.map(\.name),
                size: sizes.count == order.files.count ? sizes.reduce(0, +) : nil
            )
        )
        if !isForced, let found = try stored(order) { return found }
        let staging = try store.staging()
        let lock = try PullLock(order.name, in: staging)
        defer { lock.release() }
        // Another process may have been quicker.
        if !isForced, let found = try stored(order) { return found }
        let folder = try staging.folder(order.name.folder).path
        Self.clear(folder, keeping: order.files.map(\.name))
        try checkSpace(order, folder)
        var files: [ModelManifest.File] = []
        for (index, remote) in order.files.enumerated() {
            report(.file(number: index + 1, name: remote.name))
            let download = FileDownload(
                remote: remote,
                web: hub.web,
                secret: order.secret,
                retrying: retrying,
                freeSpace: freeSpace,
                report: report
            )
            files.append(try await download.run(into: folder))
        }
        report(.checking)
        let (manifest, summary) = try manifest(of: files, order, in: folder)
        try commit(manifest, folder, order.name)
        return Result(manifest: manifest, summary: summary, wasThere: false)
    }

    // MARK: - What to fetch

    private func order(_ source: PullSource, name: ModelName?, sha256: SHA256Text?) async throws -> Order {
        var order =
            switch source {
            case .address(let url): try Self.order(url, name: name)
            case .repository(let repository, let selector): try await self.order(repository, selector, name: name)
            }
        if let sha256 {
            guard order.files.count == 1 else {
                throw Fault(
                    description: "the model has \(order.files.count) files, and --sha256 is for one. Leave it out: the"
                        + " digests of a hub's files are checked anyway."
                )
            }
            if let listed = order.files[0].sha256, listed != sha256.text {
                throw Fault(description: "the hub lists the SHA-256 \(listed), and --sha256 asks for \(sha256.text).")
            }
            order.files[0].sha256 = sha256.text
        }
        return order
    }

    private static func order(_ url: URL, name: ModelName?) throws -> Order {
        guard let file = ModelFileName(url.lastPathComponent) else {
            throw Fault(
                description:
                    "\(url.shown) does not name a .gguf file. Give the address of the file itself, or a repository"
                    + " of the hub: organization/name."
            )
        }
        guard let name = name?.complete ?? file.modelName else {
            throw Fault(description: "'\(file.file)' makes no name for a model. Choose one with --name.")
        }
        let files = file.files.map { part in
            var address = url
            if part != file.file { address = url.deletingLastPathComponent().appending(path: part).withQuery(of: url) }
            return FileDownload.Remote(url: address, name: part)
        }
        return Order(name: name, source: url.absoluteString, files: files)
    }

    private func order(
        _ repository: PullSource.Repository,
        _ selector: String?,
        name: ModelName?
    ) async throws -> Order {
        let choice = try await Transient.retried(retrying, report) { try await hub.choose(selector, in: repository) }
        let isFile = selector?.lowercased().hasSuffix(".gguf") ?? false
        let usual = isFile ? choice.name.modelName?.name ?? repository.name : repository.name
        let tag = choice.name.quantization ?? ModelName.standardTag
        guard
            let name = try name?.complete ?? ModelName("\(repository.organization)/\(usual):\(tag)").complete
                as ModelName?
        else { throw Fault(description: "\(choice.name.file) makes no name for a model. Choose one with --name.") }
        let files = zip(choice.files, choice.name.files).map { file, local in
            FileDownload.Remote(
                url: hub.address(of: file.path, in: repository),
                name: local,
                size: file.size,
                sha256: file.sha256
            )
        }
        return Order(name: name, source: "\(repository):\(choice.files[0].path)", files: files, secret: hub.secret)
    }

    /// The model, if it is there and is what would be fetched.
    private func stored(_ order: Order) throws -> Result? {
        guard let model = store.models().first(where: { $0.name == order.name.description }) else { return nil }
        guard case .pulled(let manifest) = model.origin else { return nil }
        let isWhole = zip(model.paths, manifest.files).allSatisfy { path, file in
            (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) == file.size
        }
        guard isWhole else { return nil }
        let digests = order.files.map(\.sha256)
        if !digests.contains(nil) {
            // The same name for what has changed at its source is an update, and for another source a mistake.
            if digests == manifest.files.map(\.sha256) { return try found(model, manifest) }
            if manifest.source == order.source { return nil }
        } else if manifest.source == order.source {
            return try found(model, manifest)
        }
        throw Fault(
            description:
                "\(order.name) is here already, from \(manifest.source.printable). Keep both with --name, or put"
                + " this one in its place with --force."
        )
    }

    private func found(_ model: StoredModel, _ manifest: ModelManifest) throws -> Result {
        Result(manifest: manifest, summary: try model.summary(), wasThere: true)
    }

    // MARK: - Giving it its name

    private func manifest(
        of files: [ModelManifest.File],
        _ order: Order,
        in folder: String
    ) throws -> (ModelManifest, ModelSummary) {
        let file: GGUFFile
        do {
            file = try GGUFFile(path: folder + "/" + files[0].name)
        } catch {
            if case .unreadable = error.problem { throw Fault(description: "\(error)".printable) }
            // Whole, and of no use: kept, it would be taken for the beginning of something better.
            try? FileManager.default.removeItem(atPath: folder)
            throw Fault(
                description: "what came is no model that can be used: \("\(error)".printable). Nothing was kept."
            )
        }
        let summary = ModelSummary(of: file)
        let manifest = ModelManifest(
            name: order.name.description,
            source: order.source,
            pulledAt: Date().ISO8601Format(),
            fingerprint: files.count == 1 ? files[0].sha256 : file.fingerprint,
            files: files,
            summary: summary
        )
        return (manifest, summary)
    }

    /// Puts the folder in its place, in one step.
    private func commit(_ manifest: ModelManifest, _ folder: String, _ name: ModelName) throws {
        let text = try JSON.text(manifest)
        do {
            try DataFolder(folder).write(Array(text.utf8), to: ModelManifest.fileName)
            let place = store.folder + "/" + name.folder
            let aside = try store.staging().file(ModelStore.asideName())
            let wasThere = unsafe rename(place, aside) == 0
            guard unsafe rename(folder, place) == 0 else {
                let code = errno
                if wasThere { _ = unsafe rename(aside, place) }
                throw Errno(rawValue: code)
            }
            if wasThere { try? FileManager.default.removeItem(atPath: aside) }
        } catch {
            throw Fault(description: "cannot keep \(name) in \(store.folder): \(error)")
        }
    }

    /// Removes what an earlier pull of the same name left, if it was of something else.
    private static func clear(_ folder: String, keeping names: [String]) {
        let kept = Set(names.flatMap { [$0, $0 + ".part", $0 + ".part.json"] })
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !kept.contains(entry) {
            try? FileManager.default.removeItem(atPath: folder + "/" + entry)
        }
    }

    /// Whether all files fit, where their sizes are known before the first begins.
    private func checkSpace(_ order: Order, _ folder: String) throws {
        let total = order.files.compactMap(\.size).reduce(0, +)
        let there = order.files.flatMap { [$0.name, $0.name + ".part"] }.reduce(0) { sum, name in
            sum + ((try? FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size] as? Int) ?? 0)
        }
        guard let free = freeSpace(folder), total - there > free else { return }
        throw Fault(
            description:
                "the disk has \(ByteText.of(free)) free, and \(ByteText.of(total - there)) are needed. Make room,"
                + " or choose another folder with LATTICE_MODELS."
        )
    }

    /// The bytes that this person may still write where `path` is.
    static func freeSpace(_ path: String) -> Int? {
        let values = try? FileManager.default.attributesOfFileSystem(
            forPath: URL(filePath: path).deletingLastPathComponent().path
        )
        return values?[.systemFreeSize] as? Int
    }
}

/// Tries again what failed for now, where there is no part to go on with.
enum Transient {
    static func retried<Value: Sendable>(
        _ retrying: Retrying,
        _ report: @Sendable (PullEvent) -> Void,
        _ body: @Sendable () async throws -> Value
    ) async throws -> Value {
        for attempt in 1... {
            let fault: any Error
            var wait = retrying.wait(after: attempt)
            do {
                return try await body()
            } catch let error as Web.Fault where error.isTransient {
                fault = error
            } catch let error as RetryAfter.Busy {
                fault = error
                wait = max(wait, error.wait)
            }
            guard retrying.goesOn(after: attempt, fault, wait: wait, hasArrived: false) else {
                throw Puller.Fault(description: retrying.advice(after: fault, wait: wait) + ".")
            }
            report(.retrying("\(fault)", after: wait))
            try await retrying.sleep(wait)
        }
        throw CancellationError()
    }
}

extension URL {
    /// This address with the query of another, which may be the key to both.
    fileprivate func withQuery(of other: URL) -> URL {
        guard let query = other.query(), var parts = URLComponents(url: self, resolvingAgainstBaseURL: true) else {
            return self
        }
        parts.percentEncodedQuery = query
        return parts.url ?? self
    }
}
