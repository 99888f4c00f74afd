import Foundation

/// Numbers of bytes for people, in powers of 1000 as disks and networks are sold.
enum ByteText {
    static func of(_ count: Int) -> String {
        let units = ["B", "kB", "MB", "GB", "TB", "PB"]
        var value = Double(max(count, 0))
        var unit = 0
        while value >= 999.5, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(short(value)) \(units[unit])"
    }

    /// Three digits.
    static func short(_ value: Double) -> String {
        let places = value < 9.995 ? 2 : value < 99.95 ? 1 : 0
        return String(format: "%.\(places)f", value)
    }
}

/// Large counts for people, such as `1.24 B` parameters.
enum CountText {
    static func of(_ count: Int) -> String {
        switch count {
        case ..<10_000: "\(count)"
        case ..<999_500: "\(ByteText.short(Double(count) / 1e3)) K"
        case ..<999_500_000: "\(ByteText.short(Double(count) / 1e6)) M"
        case ..<999_500_000_000: "\(ByteText.short(Double(count) / 1e9)) B"
        default: "\(ByteText.short(Double(count) / 1e12)) T"
        }
    }

    /// With a separator between thousands.
    static func whole(_ count: Int) -> String {
        var digits = Array(String(count.magnitude))
        for place in stride(from: digits.count - 3, to: 0, by: -3) { digits.insert(",", at: place) }
        return (count < 0 ? "-" : "") + String(digits)
    }
}

/// Spans of time for people.
enum DurationText {
    static func of(_ duration: Duration) -> String {
        let seconds = duration / .seconds(1)
        switch seconds {
        case ..<0.0995: return "\(Int((seconds * 1000).rounded())) ms"
        case ..<9.95: return String(format: "%.1f s", seconds)
        case ..<99.5: return "\(Int(seconds.rounded())) s"
        case ..<5970: return "\(Int((seconds / 60).rounded())) min"
        default: return String(format: "%.1f h", min(seconds / 3600, 1e6))
        }
    }
}
