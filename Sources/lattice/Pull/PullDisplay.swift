import Foundation
import Inference
import NIOConcurrencyHelpers

/// Shows a pull: a bar on a terminal, a line now and then elsewhere, JSON lines for programs.
final class PullDisplay: Sendable {
    enum Form: Sendable {
        case bar
        case lines
        case json

        /// Between two pictures of what has arrived; a bar that moves more often nobody sees.
        fileprivate var interval: Duration {
            switch self {
            case .bar: .milliseconds(100)
            case .lines: .seconds(10)
            case .json: .seconds(1)
            }
        }
    }

    private struct State {
        var progress: PullProgress
        var lastShown: ContinuousClock.Instant?
        var isBarOpen = false
    }

    private let form: Form
    private let terminal: Terminal
    private let state: NIOLockedValueBox<State>

    init(_ form: Form, terminal: Terminal = .errors) {
        self.form = form
        self.terminal = terminal
        state = NIOLockedValueBox(State(progress: PullProgress()))
    }

    /// Shows what has happened.
    func show(_ event: PullEvent) {
        let now = ContinuousClock.now
        state.withLockedValue { state in
            state.progress.take(event, at: now)
            switch event {
            case .received:
                guard now - (state.lastShown ?? now - form.interval) >= form.interval else { return }
                progress(&state, now)
            case .found(let name, let files, let size):
                let parts = files.count > 1 ? " · \(files.count) files" : ""
                say("pulling \(name)" + (size.map { " · " + ByteText.of($0) } ?? "") + parts, &state)
            case .file(let number, let name) where state.progress.files > 1:
                say("\(number) of \(state.progress.files): \(name.printable)", &state)
            case .file: break
            case .resumed(let count, let total):
                say("going on after \(ByteText.of(count))" + (total.map { " of \(ByteText.of($0))" } ?? ""), &state)
            case .started: state.lastShown = form == .lines ? now : nil
            case .startsAgain(let reason): say("starting again: \(reason)", &state)
            case .retrying(let reason, let wait):
                say("\(reason); trying again in \(DurationText.of(wait))", &state)
            case .checking:
                progress(&state, now)
            }
            if form == .json { json(event, state.progress) }
        }
    }

    /// Leaves the bar where it is, for what is said next.
    func end() {
        state.withLockedValue { close(&$0) }
    }

    /// What has arrived of all files.
    var received: Int { state.withLockedValue { $0.progress.received } }

    private func progress(_ state: inout State, _ now: ContinuousClock.Instant) {
        state.lastShown = now
        switch form {
        case .bar:
            terminal.write("\r" + state.progress.bar(width: terminal.width - 1, at: now) + "\u{1B}[K")
            state.isBarOpen = true
        case .lines: terminal.write(state.progress.bar(width: nil, at: now) + "\n")
        case .json: break
        }
    }

    private func say(_ text: String, _ state: inout State) {
        guard form != .json else { return }
        close(&state)
        terminal.write(text.fitted(form == .bar ? max(terminal.width - 1, 20) : .max) + "\n")
    }

    private func close(_ state: inout State) {
        guard state.isBarOpen else { return }
        terminal.write("\n")
        state.isBarOpen = false
    }

    private func json(_ event: PullEvent, _ progress: PullProgress) {
        struct Line: Encodable {
            var event: String
            var name: String?
            var files: [String]?
            var file: String?
            var received: Int?
            var total: Int?
            var bytes_per_second: Int?
            var reason: String?
            var wait_seconds: Double?
        }
        var line: Line
        switch event {
        case .found(let name, let files, let size): line = Line(event: "found", name: name, files: files, total: size)
        case .file(_, let name): line = Line(event: "file", file: name)
        case .resumed(let count, let total): line = Line(event: "resumed", received: count, total: total)
        case .started(let count, let total): line = Line(event: "started", received: count, total: total)
        case .received:
            line = Line(event: "progress", received: progress.received, total: progress.total)
            line.bytes_per_second = progress.speed.map { Int($0) }
        case .startsAgain(let reason): line = Line(event: "restarted", reason: reason)
        case .retrying(let reason, let wait):
            line = Line(event: "retrying", reason: reason, wait_seconds: wait / .seconds(1))
        case .checking: line = Line(event: "checking")
        }
        PullDisplay.print(line)
    }

    /// One JSON object on one line of standard output.
    static func print(_ value: some Encodable) {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        guard let data = try? encoder.encode(value) else { return }
        Terminal.output.write(String(decoding: data, as: UTF8.self) + "\n")
    }
}

/// What has arrived, how fast, and how long the rest will take.
struct PullProgress: Sendable {
    /// Speed is that of the last while: what was long ago says little.
    private static let window: Duration = .seconds(8)
    /// Between two marks of the speed.
    private static let step: Duration = .milliseconds(200)

    private(set) var files = 1
    /// Bytes of all files that are here.
    private(set) var received = 0
    /// Bytes of all files, if all are known; else of the one that comes.
    private(set) var total: Int?
    /// Bytes of the files before the one that comes.
    private var before = 0
    private var isTotalOfAll = false
    private var marks: [(time: ContinuousClock.Instant, fetched: Int)] = []
    /// Bytes that came over the network.
    private var fetched = 0

    mutating func take(_ event: PullEvent, at now: ContinuousClock.Instant) {
        switch event {
        case .found(_, let names, let size):
            files = names.count
            total = size
            isTotalOfAll = size != nil
        case .file:
            before = received
        case .resumed(let count, let whole), .started(let count, let whole):
            received = before + count
            if !isTotalOfAll, let whole { total = before + whole }
            if marks.isEmpty { marks = [(now, fetched)] }
        case .received(let count):
            received += count
            fetched += count
            guard marks.last.map({ now - $0.time >= Self.step }) ?? true else { return }
            marks.append((now, fetched))
            while marks.count > 2, now - marks[0].time > Self.window { marks.removeFirst() }
        case .startsAgain:
            received = before
        case .retrying:
            // Waiting is no slowness of the network.
            marks = []
        case .checking: break
        }
    }

    /// Bytes in a second, once there is something to tell it by.
    var speed: Double? {
        guard let first = marks.first, let last = marks.last, last.time - first.time >= Self.step else { return nil }
        return Double(last.fetched - first.fetched) / ((last.time - first.time) / .seconds(1))
    }

    /// A line with share, bar, bytes, speed and the time left; what does not fit is left out, the least important first.
    func bar(width: Int?, at now: ContinuousClock.Instant) -> String {
        let share = total.map { $0 > 0 ? min(Double(received) / Double($0), 1) : 1 }
        let percent = share.map { String(format: "%3d %%", Int($0 * 100)) }
        var bytes = ByteText.of(received)
        if let total { bytes += " of " + ByteText.of(total) }
        let rate = speed.map { ByteText.of(Int($0)) + "/s" }
        var left: String?
        if let total, let speed, speed > 0, received < total {
            left = DurationText.of(.seconds((Double(total - received) / speed).rounded(.up))) + " left"
        }
        let parts = [bytes, rate, left].compactMap { $0 }
        guard let width else { return ([percent] + parts).compactMap { $0 }.joined(separator: " · ") }
        var shown = parts.count
        func tail(_ count: Int) -> String { parts.prefix(count).joined(separator: " · ") }
        let head = percent ?? ""
        while shown > 1, head.columns + 2 + tail(shown).columns > width { shown -= 1 }
        let room = width - head.columns - tail(shown).columns - 5
        guard let share, room >= 6 else { return (head + "  " + tail(shown)).fitted(width) }
        return head + " " + Self.blocks(share, columns: min(room, 40)) + "  " + tail(shown)
    }

    /// A bar of eighths of a column.
    private static func blocks(_ share: Double, columns: Int) -> String {
        let eighths = Int(share * Double(columns * 8))
        let parts = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
        let full = String(repeating: "█", count: eighths / 8) + parts[eighths % 8]
        return "▕" + full.padding(toLength: columns, withPad: " ", startingAt: 0) + "▏"
    }
}
