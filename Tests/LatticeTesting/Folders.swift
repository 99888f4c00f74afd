public import Foundation

/// Runs a test with a folder of its own, which is removed afterwards.
public func withTemporaryDirectory<Result>(_ body: (String) throws -> Result) throws -> Result {
    let folder = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try body(folder)
}

/// Runs a test with a folder of its own, which is removed afterwards.
public func withTemporaryDirectory<Result>(_ body: (String) async throws -> Result) async throws -> Result {
    let folder = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    return try await body(folder)
}

/// A new, empty folder; the caller removes it.
public func temporaryDirectory() throws -> String {
    let folder = FileManager.default.temporaryDirectory.appending(path: "lattice-test-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    return folder.path(percentEncoded: false)
}

/// The folder with models, vectors and foreign peers that lies beside a checkout; `nil` where there is none.
///
/// The environment variable `LATTICE_SHARED` names it; otherwise it is `../shared` as seen from the package.
public func sharedFolder() -> URL? {
    let named = ProcessInfo.processInfo.environment["LATTICE_SHARED"].map { URL(filePath: $0) }
    let package = URL(filePath: #filePath).appending(path: "../../..").standardizedFileURL
    let folder = named ?? package.appending(path: "../shared").standardizedFileURL
    return FileManager.default.fileExists(atPath: folder.path(percentEncoded: false)) ? folder : nil
}
