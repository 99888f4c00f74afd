import Foundation

/// One line of a benchmark: what was measured, beside a peer that did the same in the same run.
struct BenchRow: Encodable, Sendable {
    /// What was done.
    var name: String
    /// What the figures count.
    var unit: String
    /// Our figure.
    var ours: Double
    /// The peer's figure; `nil` where nothing comparable ran.
    var peer: Double?
    /// What it is compared with.
    var peerName: String?
    /// Above 1 means that ours is better.
    var ratio: Double?
    /// The ratio or figure to reach; `nil` while none is set.
    var target: Double?
    /// Whether it is reached.
    var isMet: Bool?

    enum CodingKeys: String, CodingKey {
        case name = "case"
        case unit
        case ours
        case peer
        case peerName = "peer_name"
        case ratio
        case target
        case isMet = "met"
    }

    /// A figure of ours alone.
    init(_ name: String, unit: String, ours: Double) {
        self.name = name
        self.unit = unit
        self.ours = ours.rounded(toPlaces: 3)
    }

    /// A figure beside a peer's.
    init(_ name: String, unit: String, ours: Double, peer: Double, named peerName: String, lessIsBetter: Bool = false) {
        self.init(name, unit: unit, ours: ours)
        self.peer = peer.rounded(toPlaces: 3)
        self.peerName = peerName
        ratio = (lessIsBetter ? peer / ours : ours / peer).rounded(toPlaces: 3)
    }
}

extension BenchRow {
    /// The row with a ratio to reach, and a figure of ours where there is one as well.
    func reaching(ratio least: Double, ours figure: Double = 0) -> BenchRow {
        var row = self
        row.target = least
        row.isMet = (ratio ?? 0) >= least && ours >= figure
        return row
    }

    /// The row with a figure to reach.
    func reaching(atLeast figure: Double) -> BenchRow {
        var row = self
        (row.target, row.isMet) = (figure, ours >= figure)
        return row
    }

    /// The row with a figure not to exceed.
    func reaching(atMost figure: Double) -> BenchRow {
        var row = self
        (row.target, row.isMet) = (figure, ours <= figure)
        return row
    }
}

extension Double {
    fileprivate func rounded(toPlaces places: Int) -> Double {
        let factor = pow(10, Double(places))
        return (self * factor).rounded() / factor
    }
}

extension [BenchRow] {
    /// The rows for people, or as JSON for programs.
    func text(asJSON: Bool) throws -> String {
        if asJSON { return try JSON.text(self) }
        return map { row in
            var line = "\(row.name.padding(toLength: 52, withPad: " ", startingAt: 0)) \(row.ours) \(row.unit)"
            if let peer = row.peer, let name = row.peerName, let ratio = row.ratio {
                line += "   \(name): \(peer)   ratio \(ratio)"
            }
            if let target = row.target { line += "   target \(target)\(row.isMet == true ? "" : ", missed")" }
            return line
        }.joined(separator: "\n")
    }
}

/// Figures over several runs; single runs on shared machines mean little.
struct Sample {
    private var values: [Double] = []

    mutating func add(_ value: Double) { values.append(value) }

    mutating func add(_ duration: Duration) { add(duration / .milliseconds(1)) }

    /// The value below which this share of the runs lies.
    func quantile(_ share: Double) -> Double {
        guard !values.isEmpty else { return 0 }
        let sorted = values.sorted()
        return sorted[Swift.min(sorted.count - 1, Int(Double(sorted.count) * share))]
    }

    var median: Double { quantile(0.5) }
}
