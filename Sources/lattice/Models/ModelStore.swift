import Foundation
import Inference
import SystemPackage

/// The models on this machine: those pulled, those put into the folder by hand, and the one that comes with Lattice.
///
/// ```
/// models/                          LATTICE_MODELS, or else in the data folder
///   organization+name+tag/         a model that was pulled: its files as they came, and manifest.json
///   something-q8_0.gguf            a file that somebody put here
///   .pulling/organization+name+tag/    what is being pulled; takes its place in one step when it is whole and checked
/// ```
struct ModelStore: Sendable {
    /// The folder; there may be none yet.
    let folder: String

    /// No such model, or one that cannot be removed; says what there is instead.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// The store that the settings name.
    init(settings: Settings) {
        let data = settings.text("data.dir", default: DataFolder.standardPath)
        self.init(folder: Self.expanded(settings.text("models", default: data + "/models")))
    }

    init(folder: String) { self.folder = folder }

    /// The file to load for what a person wrote: a path to a file, the name of a stored model, or of the bundled one.
    func path(for text: String) throws -> String { try model(text).path }

    /// The model for what a person wrote: a path to a file, the name of a stored model, or of the bundled one.
    ///
    /// A name without its tag stands for `latest`, or for the only one there is.
    func model(_ text: String) throws -> StoredModel {
        let path = Self.expanded(text)
        let known = models()
        // What was pulled by the name of a file is also known by what was asked for then.
        if let found = known.first(where: { $0.source == text }) { return found }
        if text.hasSuffix(".gguf") || text.hasPrefix("/") || text.hasPrefix("./") || text.hasPrefix("../")
            || text.hasPrefix("~")
        {
            if Self.isFile(path) { return StoredModel(name: DefaultModel.name(of: path), origin: .file, paths: [path]) }
            guard let file = ModelFileName(text), Self.isFile(folder + "/" + file.file) else {
                throw Fault(description: "there is no file \(path.printable). 'lattice models' lists what is stored.")
            }
            return StoredModel(name: text, origin: .file, paths: [folder + "/" + file.file])
        }
        let name: ModelName
        do { name = try ModelName(text) } catch {
            if Self.isFile(path) { return StoredModel(name: text, origin: .file, paths: [path]) }
            throw error
        }
        if let found = try Self.find(name, in: known) { return found }
        if Self.isFile(path) { return StoredModel(name: text, origin: .file, paths: [path]) }
        throw Fault(description: Self.unknown(name, known))
    }

    /// All models, by name.
    func models() -> [StoredModel] {
        var found: [StoredModel] = []
        for entry in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where !entry.hasPrefix(".") {
            let path = folder + "/" + entry
            if let manifest = ModelManifest(in: path), (try? ModelName(manifest.name))?.folder == entry {
                let paths = manifest.files.map { path + "/" + $0.name }
                found.append(StoredModel(name: manifest.name, origin: .pulled(manifest), paths: paths))
            } else if let file = ModelFileName(entry), file.number == 1, Self.isFile(path) {
                let paths = file.files.map { folder + "/" + $0 }
                found.append(StoredModel(name: file.modelName?.description ?? entry, origin: .file, paths: paths))
            }
        }
        // What was pulled under a name wins over a file that happens to have the same.
        var names: Set<String> = []
        found.sort { ($0.name, $0.knownFingerprint == nil ? 1 : 0) < ($1.name, $1.knownFingerprint == nil ? 1 : 0) }
        found.removeAll { !names.insert($0.name).inserted }
        if let bundled = try? Self.bundled(), !found.contains(where: { $0.name == bundled.name }) {
            found.append(bundled)
        }
        return found
    }

    /// Removes a model that was pulled or put here.
    ///
    /// A process that has loaded it goes on with it.
    func remove(_ model: StoredModel) throws {
        do {
            switch model.origin {
            case .bundled:
                throw Fault(description: "\(model.name) comes with Lattice and cannot be removed.")
            case .pulled:
                // Out of sight in one step: what is half removed must not look like a model.
                let folder = URL(filePath: model.path).deletingLastPathComponent().path
                let aside = try staging().file(ModelStore.asideName())
                guard unsafe rename(folder, aside) == 0 else { throw Errno(rawValue: errno) }
                try FileManager.default.removeItem(atPath: aside)
            case .file:
                for path in model.paths where Self.isFile(path) {
                    guard unsafe unlink(path) == 0 else { throw Errno(rawValue: errno) }
                }
            }
        } catch let fault as Fault {
            throw fault
        } catch {
            throw Fault(description: "cannot remove \(model.name): \(error). Look at the permissions of \(folder).")
        }
    }

    /// Where models lie while they are pulled or removed; on the same file system as the others.
    func staging() throws -> DataFolder {
        do {
            return try DataFolder(folder).folder(".pulling")
        } catch let fault as DataFolder.Fault {
            // The folder's own advice is a flag that these commands need not have.
            let advice = "Choose another folder with LATTICE_MODELS."
            throw Fault(
                description: fault.description.replacing("Choose another folder with --data-dir.", with: advice)
            )
        }
    }

    /// A name in the staging folder that nobody else has.
    static func asideName() -> String { "removed-" + UUID().uuidString }

    /// The model that comes with Lattice.
    static func bundled() throws -> StoredModel {
        StoredModel(name: "lattice-tiny:q8_0", origin: .bundled, paths: [try DefaultModel.path()])
    }

    private static func find(_ name: ModelName, in known: [StoredModel]) throws -> StoredModel? {
        let named = known.compactMap { model in (try? ModelName(model.name)).map { (name: $0, model: model) } }
        if name.tag != nil {
            return (named.first { $0.name == name } ?? named.first { $0.name.isLike(name) })?.model
        }
        var family = named.filter { $0.name.family == name }
        if family.isEmpty { family = named.filter { $0.name.family.isLike(name) } }
        if let latest = family.first(where: { $0.name.tag == ModelName.standardTag }) { return latest.model }
        guard family.count > 1 else { return family.first?.model }
        let names = family.map(\.name.description).joined(separator: ", ")
        throw Fault(description: "which one? There are \(names).")
    }

    private static func unknown(_ name: ModelName, _ known: [StoredModel]) -> String {
        let names = known.map(\.name)
        let distances = names.map { ($0, name.distance(to: $0)) }
        let nearest = distances.map(\.1).min() ?? .max
        let near = distances.filter {
            nearest <= 2 ? $0.1 == nearest : $0.0.lowercased().contains(name.name.lowercased())
        }
        .map(\.0)
        let there =
            near.isEmpty
            ? "There are: \(names.joined(separator: ", "))." : "Did you mean \(near.joined(separator: " or "))?"
        let pull = name.organization == nil ? "" : " Fetch it with 'lattice pull \(name)'."
        return "there is no model '\(name)' here. \(names.isEmpty ? "There are none." : there)\(pull)"
    }

    private static func expanded(_ path: String) -> String {
        path == "~" || path.hasPrefix("~/") ? NSHomeDirectory() + path.dropFirst() : path
    }

    private static func isFile(_ path: String) -> Bool {
        var isFolder: ObjCBool = false
        return unsafe FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) && !isFolder.boolValue
    }
}

extension ModelName {
    /// How many letters a person who wrote this and meant `other` got wrong.
    fileprivate func distance(to other: String) -> Int {
        guard let other = try? ModelName(other) else { return .max }
        let left = Array((tag == nil ? other.family : other).description.lowercased().utf8)
        let right = Array(description.lowercased().utf8)
        var row = Array(0...left.count)
        for (line, letter) in right.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, mine) in left.enumerated() {
                let best = min(row[column] + 1, row[column + 1] + 1, diagonal + (mine == letter ? 0 : 1))
                diagonal = row[column + 1]
                row[column + 1] = best
            }
        }
        return row[left.count]
    }
}
