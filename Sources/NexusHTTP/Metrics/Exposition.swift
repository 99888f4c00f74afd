internal import Hummingbird

/// Writes the Prometheus text format, version 0.0.4.
struct Exposition {
    private(set) var text = ""

    mutating func write(name: String, family: PrometheusRegistry.Family, help: String?) {
        let series = family.series
            .map { (labels: $0.key, reading: $0.value.read()) }
            .sorted { Self.text(of: $0.labels) < Self.text(of: $1.labels) }
        switch family.kind {
        case .counter, .gauge:
            writeHead(name, type: family.kind == .counter ? "counter" : "gauge", help: help)
            for (labels, reading) in series { writeSample(name, labels, reading.value) }
        case .histogram(let buckets):
            writeHead(name, type: "histogram", help: help)
            for (labels, reading) in series { writeHistogram(name, labels, reading, bounds: buckets.bounds) }
        }
    }

    mutating func writeCounter(_ name: String, help: String, value: Double) {
        writeHead(name, type: "counter", help: help)
        writeSample(name, [], value)
    }

    private mutating func writeHistogram(
        _ name: String,
        _ labels: [Series.Label],
        _ reading: Series.Reading,
        bounds: [Double]
    ) {
        var below: UInt64 = 0
        for (bound, count) in zip(bounds, reading.buckets) {
            below += count
            let labels = labels + [Series.Label(name: "le", value: Self.number(bound))]
            writeSample(name + "_bucket", labels, Double(below))
        }
        writeSample(name + "_bucket", labels + [Series.Label(name: "le", value: "+Inf")], Double(reading.count))
        writeSample(name + "_sum", labels, reading.value)
        writeSample(name + "_count", labels, Double(reading.count))
    }

    private mutating func writeHead(_ name: String, type: String, help: String?) {
        if let help { text += "# HELP \(name) \(Self.escape(help, quotes: false))\n" }
        text += "# TYPE \(name) \(type)\n"
    }

    private mutating func writeSample(_ name: String, _ labels: [Series.Label], _ value: Double) {
        text += "\(name)\(Self.text(of: labels)) \(Self.number(value))\n"
    }

    private static func text(of labels: [Series.Label]) -> String {
        guard !labels.isEmpty else { return "" }
        let pairs = labels.map { "\($0.name)=\"\(escape($0.value, quotes: true))\"" }
        return "{" + pairs.joined(separator: ",") + "}"
    }

    /// Backslash, line feed and, in label values, the quote.
    private static func escape(_ text: String, quotes: Bool) -> String {
        var escaped = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\\": escaped += "\\\\"
            case "\n": escaped += "\\n"
            case "\"" where quotes: escaped += "\\\""
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Whole numbers without a fraction.
    private static func number(_ value: Double) -> String {
        Int64(exactly: value).map { String($0) } ?? String(value)
    }
}

extension PrometheusRegistry {
    /// The table as the answer of `/metrics`.
    func response() -> Response {
        Response(
            status: .ok,
            headers: [.contentType: "text/plain; version=0.0.4; charset=utf-8", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(string: exposition()))
        )
    }
}
