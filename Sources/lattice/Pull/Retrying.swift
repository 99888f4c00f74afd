import AsyncHTTPClient
import Foundation
import NIOHTTP1

/// When a download that failed for now is tried again.
struct Retrying: Sendable {
    /// The most tries in a row of which none brought a byte.
    var tries = 6
    /// The most tries where nobody has ever answered: then it is rather the address that is wrong.
    var unreachableTries = 3
    /// The first wait; each is twice as long as the one before.
    var first: Duration = .milliseconds(500)
    /// The longest wait of ours.
    var longest: Duration = .seconds(15)
    /// The longest wait that a server may ask for; a longer one is told to the person.
    var patience: Duration = .seconds(180)
    /// Waits; tests need not.
    var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }

    /// Whether to try again after `failures` in a row of which the last was `fault`.
    func goesOn(after failures: Int, _ fault: any Error, wait: Duration, hasArrived: Bool) -> Bool {
        let isUnreachable = (fault as? Web.Fault)?.isUnreachable ?? false
        return wait <= patience && failures < (isUnreachable && !hasArrived ? unreachableTries : tries)
    }

    /// What a person can do once it is given up.
    func advice(after fault: any Error, wait: Duration) -> String {
        if wait > patience { return "\(fault) and asks to wait \(DurationText.of(wait)). Pull again later" }
        guard let fault = fault as? Web.Fault, fault.isUnreachable else { return "\(fault). Pull again later" }
        return "\(fault). Is this machine on the network, and the address right? Pull again later"
    }

    /// The wait after try number `attempt`, counted from 1.
    func wait(after attempt: Int) -> Duration {
        min(first * (1 << min(max(attempt - 1, 0), 16)), longest)
    }
}

/// What an answer's `Retry-After` says.
enum RetryAfter {
    /// An answer that is no success, as a sentence for a person; those that may be better later say when.
    static func fault(_ answer: Web.Answer) -> any Error {
        let status = answer.response.status
        let text = "\(answer.url.hostShown) answers \(status.code) \(status.reasonPhrase)"
        guard [408, 425, 429, 500, 502, 503, 504].contains(answer.status) else {
            return Web.Fault(description: "\(text) for \(answer.url.shown).")
        }
        guard let wait = seconds(answer.header("retry-after")) else {
            return Web.Fault(description: text, isTransient: true)
        }
        return Busy(description: text, wait: .seconds(wait))
    }

    /// A server that says when it wants to be asked again.
    struct Busy: Error, CustomStringConvertible {
        let description: String
        let wait: Duration
    }

    /// Seconds, or a date as HTTP writes it; `nil` for anything else.
    static func seconds(_ text: String?, now: Date = Date()) -> Int? {
        guard let text = text?.trimmingCharacters(in: .whitespaces), !text.isEmpty else { return nil }
        if let seconds = Int(text) { return seconds < 0 ? nil : min(seconds, 1 << 31) }
        let form = DateFormatter()
        form.locale = Locale(identifier: "en_US_POSIX")
        form.timeZone = TimeZone(identifier: "UTC")
        form.dateFormat = "EEE, dd MMM yyyy HH:mm:ss zzz"
        guard let date = form.date(from: text) else { return nil }
        return max(0, Int(min(date.timeIntervalSince(now).rounded(.up), 1e9)))
    }
}
