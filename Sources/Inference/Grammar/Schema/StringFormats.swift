/// The `format`s of strings that can be kept to, each as patterns of strings that have it: not all, but enough.
enum StringFormats {
    private static let year = "(19|20|21)[0-9]{2}"
    private static let date =
        "\(year)-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
    private static let time =
        "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])"
    private static let label = "[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
    private static let byte = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"

    private static let patterns: [String: String] = [
        "date": date,
        "time": time,
        "date-time": "\(date)T\(time)",
        "duration": "P([0-9]{1,4}[YMWD]|[0-9]{1,4}DT[0-9]{1,4}[HMS]|T[0-9]{1,4}[HMS])",
        "uuid": "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        "email": "[A-Za-z0-9_+-]{1,24}(\\.[A-Za-z0-9_+-]{1,24}){0,1}@(\(label)\\.){1,3}[A-Za-z]{2,12}",
        "hostname": "(\(label)\\.){0,4}[A-Za-z]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?",
        "ipv4": "\(byte)(\\.\(byte)){3}",
        "ipv6": "[0-9a-f]{1,4}(:[0-9a-f]{1,4}){7}",
        "uri": "https?://(\(label)\\.){0,4}[A-Za-z]{2,12}(:[1-9][0-9]{0,3})?(/[A-Za-z0-9_.~-]{0,64}){0,8}",
        "json-pointer": "(/[A-Za-z0-9_.-]{0,64}){0,16}",
    ]

    /// Formats of numbers and of what bytes mean, which say nothing about the text.
    static let annotations: Set<String> = ["int32", "int64", "float", "double", "password", "byte", "binary"]

    /// The strings of a format, as an expression over their characters; `nil` for one that is not known.
    static func node(_ format: String, pointer: String) throws(GrammarError) -> GrammarNode? {
        guard let pattern = patterns[format] else { return nil }
        return try PatternParser.parse("^(\(pattern))$", pointer: pointer)
    }
}
