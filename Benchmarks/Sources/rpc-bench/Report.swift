/// The CPU time and the clock at one moment.
struct Reading {
    let time = ContinuousClock.now
    let own = ProcessUsage.ownSeconds
    let other: Double?

    /// - Parameter process: the other end.
    init(process: Int?) {
        other = process.flatMap(ProcessUsage.seconds(of:))
    }
}

/// What one run measured, as one JSON object.
struct Report {
    private var fields: [(name: String, value: String)] = []

    var json: String {
        "{" + fields.map { "\"\($0.name)\": \($0.value)" }.joined(separator: ", ") + "}"
    }

    mutating func add(_ name: String, _ value: Double, digits: Int = 1) {
        var scale = 1.0
        for _ in 0..<digits { scale *= 10 }
        fields.append((name, "\((value * scale).rounded() / scale)"))
    }

    mutating func add(_ name: String, _ value: Int) {
        fields.append((name, "\(value)"))
    }

    /// Enters what happened since a reading was taken.
    ///
    /// - Parameters:
    ///   - count: the calls that were answered.
    ///   - bytes: the payload of one call, both ways together.
    ///   - times: how long each took, in any order.
    mutating func add(since start: Reading, process: Int?, count: Int, bytes: Int, times: [Duration], errors: Int) {
        let end = Reading(process: process)
        let wall = (end.time - start.time).seconds
        let sorted = times.sorted()
        add("seconds", wall, digits: 3)
        add("calls", count)
        add("calls_s", Double(count) / wall)
        add("mb_s", Double(count * bytes) / wall / 1e6)
        for (name, share) in [("p50_ms", 0.5), ("p99_ms", 0.99)] where !sorted.isEmpty {
            add(name, sorted[min(sorted.count - 1, Int(share * Double(sorted.count)))].seconds * 1000, digits: 3)
        }
        add("errors", errors)
        add("client_cpu_s", end.own - start.own, digits: 2)
        if let before = start.other, let after = end.other { add("server_cpu_s", after - before, digits: 2) }
    }
}

extension Duration {
    /// As a number, for reckoning.
    var seconds: Double {
        Double(components.seconds) + Double(components.attoseconds) / 1e18
    }
}
