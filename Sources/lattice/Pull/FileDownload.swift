import AsyncHTTPClient
import Foundation
import Inference
import NIOCore
import NIOHTTP1

/// One file on its way from a server: resumed where it stopped, tried again when the connection fails, checked at the end.
struct FileDownload: Sendable {
    /// What is fetched.
    struct Remote: Sendable {
        let url: URL
        /// The name that it gets here.
        let name: String
        var size: Int?
        var sha256: String?
    }

    /// Why a file did not come.
    struct Fault: Error, CustomStringConvertible {
        let description: String
    }

    /// More bytes than this are no model's: a server that never ends is not to fill the disk.
    private static let sizeLimit = 4 << 40
    /// Bytes that are left free for everybody else.
    private static let margin = 64 << 20

    let remote: Remote
    let web: Web
    let secret: Web.Secret?
    let retrying: Retrying
    /// The bytes that are free where a path is.
    let freeSpace: @Sendable (String) -> Int?
    let report: @Sendable (PullEvent) -> Void

    /// Fetches the file into `folder`.
    ///
    /// After a cancellation or an error what has arrived stays, for the next time.
    func run(into folder: String) async throws -> ModelManifest.File {
        let path = folder + "/" + remote.name
        if FileManager.default.fileExists(atPath: path) {
            // It got its name because it was whole; another digest is wanted if it has changed since.
            let whole = try Self.digest(of: path)
            if remote.sha256.map({ $0 == whole.sha256 }) ?? false {
                report(.resumed(at: whole.size, of: whole.size))
                return file(whole.size, whole.sha256)
            }
            unsafe unlink(path)
        }
        var part = try PartFile(for: path)
        try part.readBack()
        if part.count > 0, !isBeginning(part) { try part.clear() }
        var wasResumed = part.count > 0
        if wasResumed { report(.resumed(at: part.count, of: part.origin?.total ?? remote.size)) }
        while true {
            try await fill(&part, wasResumed: &wasResumed)
            let sha256 = part.sha256
            guard let expected = remote.sha256, expected != sha256 else {
                let size = part.count
                try part.finish(as: path)
                return file(size, sha256)
            }
            guard wasResumed else {
                part.remove()
                throw Fault(
                    description:
                        "\(remote.name) has the SHA-256 \(sha256), and \(expected) was expected. Nothing was kept:"
                        + " the file was changed on the way, or the digest is for another file."
                )
            }
            // The beginning came another day; it may be what is wrong.
            report(.startsAgain("the digest is wrong"))
            try part.clear()
            wasResumed = false
        }
    }

    private func file(_ size: Int, _ sha256: String) -> ModelManifest.File {
        ModelManifest.File(name: remote.name, source: remote.url.absoluteString, size: size, sha256: sha256)
    }

    /// Whether a part is the beginning of what is to be fetched, and can be gone on with.
    private func isBeginning(_ part: borrowing PartFile) -> Bool {
        guard let origin = part.origin else { return false }
        return origin.url == remote.url.absoluteString && origin.sha256 == remote.sha256 && origin.isResumable
            && part.count <= origin.total ?? .max
    }

    /// Adds to the part until it is whole.
    private func fill(_ part: inout PartFile, wasResumed: inout Bool) async throws {
        var failures = 0
        while true {
            let before = part.count
            let fault: any Error
            let wait: Duration
            do {
                if try await attempt(&part, wasResumed: &wasResumed) { return }
                (fault, wait) = (Web.Fault(description: "\(remote.url.hostShown) closed the connection"), .zero)
            } catch let error as Web.Fault where error.isTransient {
                (fault, wait) = (error, .zero)
            } catch let error as RetryAfter.Busy {
                (fault, wait) = (error, error.wait)
            }
            failures = part.count > before ? 1 : failures + 1
            guard retrying.goesOn(after: failures, fault, wait: wait, hasArrived: part.count > 0) else {
                throw Fault(description: "\(retrying.advice(after: fault, wait: wait)): \(kept(part.count))")
            }
            let delay = max(wait, retrying.wait(after: failures))
            report(.retrying("\(fault)", after: delay))
            try await retrying.sleep(delay)
        }
    }

    private func kept(_ count: Int) -> String {
        count == 0 ? "nothing has arrived yet." : "what has arrived (\(ByteText.of(count))) is kept."
    }

    /// Asks once for what is missing, and takes what comes.
    ///
    /// - Returns: whether the file is whole.
    private func attempt(_ part: inout PartFile, wasResumed: inout Bool) async throws -> Bool {
        let known = part.origin
        if let total = known?.total, part.count == total, total > 0 { return true }
        var headers: [(String, String)] = []
        if part.count > 0 {
            headers.append(("range", "bytes=\(part.count)-"))
            if let validator = known?.validator { headers.append(("if-range", validator)) }
        }
        let answer = try await web.get(remote.url, headers: headers, secret: secret)
        let origin = Self.origin(of: answer, offset: part.count, remote)
        switch answer.status {
        case 200:
            if part.count > 0 {
                report(
                    .startsAgain(
                        known?.validator == origin.validator ? "the server sends no parts" : "the file has changed"
                    )
                )
                try part.clear()
                wasResumed = false
            }
        case 206:
            let range = answer.header("content-range").flatMap(ContentRange.init)
            // Where a digest will tell whether the parts fit, a server may leave its mark out.
            let isUnmarked = known?.validator == nil || origin.validator == nil
            let isSame = known?.validator == origin.validator || remote.sha256 != nil && isUnmarked
            guard part.count > 0 else {
                throw Fault(
                    description: "\(answer.url.hostShown) sends a part of \(remote.name) where all of it was asked for."
                )
            }
            guard range?.start == part.count, isSame, known?.total == nil || known?.total == range?.total else {
                return try await restart(&part, &wasResumed, "the server sends another part than was asked for")
            }
        case 416:
            // Beyond the end: the part is whole, or of another file.
            let total = answer.header("content-range").flatMap(ContentRange.init)?.total
            if total == part.count, part.count > 0 { return true }
            guard part.count > 0 else { throw RetryAfter.fault(answer) }
            return try await restart(&part, &wasResumed, "the file has changed")
        case 401, 403: throw refused(answer)
        case 404, 410:
            throw Fault(description: "there is nothing at \(answer.url.shown) (\(answer.status)). Check the name.")
        default: throw RetryAfter.fault(answer)
        }
        try check(origin, part.count, at: part.path)
        if part.count == 0 { try part.write(origin) }
        report(.started(at: part.count, of: origin.total))
        try await receive(answer, into: &part, limit: origin.total ?? Self.sizeLimit)
        guard let total = origin.total ?? remote.size else { return true }
        return part.count == total
    }

    /// Asks for all of it, once.
    private func restart(_ part: inout PartFile, _ wasResumed: inout Bool, _ reason: String) async throws -> Bool {
        report(.startsAgain(reason))
        try part.clear()
        wasResumed = false
        return try await attempt(&part, wasResumed: &wasResumed)
    }

    private func receive(_ answer: Web.Answer, into part: inout PartFile, limit: Int) async throws {
        do {
            for try await buffer in answer.response.body {
                guard part.count + buffer.readableBytes <= limit else {
                    throw Fault(
                        description: "\(answer.url.hostShown) sends more than the file has; it is not to be trusted."
                    )
                }
                try unsafe buffer.withUnsafeReadableBytes { bytes in unsafe try part.append(bytes) }
                report(.received(buffer.readableBytes))
            }
        } catch let fault as Fault {
            throw fault
        } catch let fault as PartFile.Fault {
            throw fault
        } catch {
            throw Web.fault(error, answer.url)
        }
    }

    /// What the server says of the file that it sends.
    private static func origin(of answer: Web.Answer, offset: Int, _ remote: Remote) -> PartFile.Origin {
        let tag = answer.header("etag").flatMap { $0.hasPrefix("\"") ? $0 : nil }
        let range = answer.header("content-range").flatMap(ContentRange.init)
        let length = answer.header("content-length").flatMap { Int($0) }
        return PartFile.Origin(
            url: remote.url.absoluteString,
            validator: tag ?? answer.header("last-modified"),
            total: answer.status == 206 ? range?.total : length,
            sha256: remote.sha256
        )
    }

    /// Finds what makes it useless to begin.
    private func check(_ origin: PartFile.Origin, _ count: Int, at path: String) throws {
        guard let total = origin.total ?? remote.size else { return }
        if let size = remote.size, size > 0, let total = origin.total, total != size {
            throw Fault(
                description:
                    "\(remote.name) has \(total) bytes at \(remote.url.hostShown), and the listing says \(size)."
                    + " Pull again later: the mirror may be catching up."
            )
        }
        guard total <= Self.sizeLimit else {
            throw Fault(description: "\(remote.name) has \(ByteText.of(total)): no model is that large.")
        }
        let missing = total - count + Self.margin
        if let free = freeSpace(path), free < missing {
            throw Fault(
                description:
                    "the disk has \(ByteText.of(free)) free, and \(ByteText.of(missing)) are needed. Make room, or"
                    + " choose another folder with LATTICE_MODELS."
            )
        }
    }

    private func refused(_ answer: Web.Answer) -> Fault {
        let isSecret = secret.map { $0.origin == WebOrigin(remote.url) } ?? false
        let advice =
            isSecret
            ? "Has the account of HF_TOKEN agreed to the model's licence?"
            : "A gated model needs HF_TOKEN, the token of an account that has agreed to its licence."
        return Fault(description: "\(answer.url.hostShown) refuses \(remote.name) (\(answer.status)). \(advice)")
    }

    /// Size and SHA-256 of a file.
    private static func digest(of path: String) throws -> (size: Int, sha256: String) {
        guard let file = FileHandle(forReadingAtPath: path) else { return (0, "") }
        defer { try? file.close() }
        var hash = FingerprintHash()
        var size = 0
        while let data = try file.read(upToCount: 1 << 20), !data.isEmpty {
            unsafe data.withUnsafeBytes { unsafe hash.append($0) }
            size += data.count
            try Task.checkCancellation()
        }
        return (size, hash.text)
    }
}

/// `bytes 5-9/10`, or `bytes */10`.
struct ContentRange: Hashable, Sendable {
    /// The first byte; `nil` where there is none.
    let start: Int?
    /// The bytes of the whole; `nil` where the server does not know.
    let total: Int?

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 2, words[0].lowercased() == "bytes" else { return nil }
        let halves = words[1].split(separator: "/", omittingEmptySubsequences: false)
        guard halves.count == 2 else { return nil }
        total = halves[1] == "*" ? nil : Int(halves[1])
        guard halves[1] == "*" || total.map({ $0 >= 0 }) ?? false else { return nil }
        if halves[0] == "*" {
            start = nil
            return
        }
        let ends = halves[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Int(ends[0]), let last = Int(ends[1]), 0 <= first, first <= last,
            last < total ?? .max
        else { return nil }
        start = first
    }
}
