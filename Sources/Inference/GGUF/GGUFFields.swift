/// Metadata below an architecture's prefix, with range checks.
struct GGUFFields {
    let metadata: GGUFMetadata
    let prefix: String

    subscript(key: String) -> GGUFValue? { metadata[prefix + "." + key] }

    func int(
        _ key: String,
        in range: ClosedRange<Int>,
        multipleOf step: Int = 1,
        default fallback: Int? = nil
    ) throws(GGUFError) -> Int {
        let value: Int
        if let fallback, self[key] == nil { value = fallback } else { value = try metadata.int(prefix + "." + key) }
        guard range.contains(value), value % step == 0 else {
            let steps = step == 1 ? "" : ", multiples of \(step)"
            throw error(key, .outOfRange("\(range.lowerBound) to \(range.upperBound)" + steps))
        }
        return value
    }

    func double(
        _ key: String,
        in range: ClosedRange<Double>,
        default fallback: Double? = nil
    ) throws(GGUFError) -> Double {
        if let fallback, self[key] == nil { return fallback }
        let value = try metadata.double(prefix + "." + key)
        guard range.contains(value) else { throw error(key, .outOfRange("\(range.lowerBound) to \(range.upperBound)")) }
        return value
    }

    func error(_ key: String, _ problem: GGUFError.Problem) -> GGUFError {
        GGUFError(file: metadata.file, field: prefix + "." + key, problem: problem)
    }

    func unsupported(_ feature: String) -> ModelError { .unsupported(file: metadata.file, feature: feature) }
}
