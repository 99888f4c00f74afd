internal import FoundationEssentials

/// Any name of a field.
struct FieldName: CodingKey {
    var stringValue: String
    var intValue: Int? { nil }

    init(stringValue: String) {
        self.stringValue = stringValue
    }

    init?(intValue: Int) {
        nil
    }

    /// Whether a name can stand in a header.
    static func isPlain(_ name: String) -> Bool {
        (1...64).contains(name.utf8.count)
            && name.utf8.allSatisfy {
                switch $0 {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            }
    }

    /// More names than this are not listed, so that a header stays a header.
    static let maximumIgnored = 20

    /// The fields of a body that are not `known`, in the order of their names; at most ``maximumIgnored``.
    static func ignored(by known: Set<String>, in decoder: any Decoder) throws -> [String] {
        try decoder.container(keyedBy: FieldName.self).allKeys
            .map(\.stringValue)
            .filter { !known.contains($0) && isPlain($0) }
            .sorted()
            .prefix(maximumIgnored)
            .map(\.self)
    }

    /// `messages[0].content` for a coding path.
    static func path(_ keys: [any CodingKey]) -> String {
        keys.reduce(into: "") { path, key in
            if let index = key.intValue {
                path += "[\(index)]"
            } else {
                path += path.isEmpty ? key.stringValue : "." + key.stringValue
            }
        }
    }
}

extension KeyedDecodingContainer {
    /// A number, or `nil` where it is absent; one that does not fit its type is named, which the decoder does not do.
    func number<Number: Decodable>(_ type: Number.Type, _ key: Key) throws -> Number? {
        do {
            return try decodeIfPresent(type, forKey: key)
        } catch DecodingError.typeMismatch(let type, let context) {
            throw DecodingError.typeMismatch(type, context)
        } catch let error as APIError {
            throw error
        } catch {
            // Foundation forgets the field on its way out, where a number is out of range or no whole one.
            let name = FieldName.path(codingPath + [key])
            throw APIError.invalidRequest("'\(name)' is not a number that can be read.", param: name)
        }
    }
}

extension Decodable {
    /// Reads the body of a request; a field that does not fit is an error that names it.
    init(body json: Data) throws(APIError) {
        do {
            self = try JSONDecoder().decode(Self.self, from: json)
        } catch let error as DecodingError {
            throw APIError(decoding: error)
        } catch let error as APIError {
            throw error
        } catch {
            throw .invalidRequest("The body is not valid JSON.")
        }
    }
}

extension APIError {
    /// Names the field that does not fit; never repeats its value.
    init(decoding error: DecodingError) {
        switch error {
        case .keyNotFound(let key, let context):
            let path = FieldName.path(context.codingPath + [key])
            self = .invalidRequest("'\(path)' is required.", param: path)
        case .typeMismatch(let type, let context), .valueNotFound(let type, let context):
            let path = FieldName.path(context.codingPath)
            let wanted = Self.word(for: type)
            guard !path.isEmpty else {
                self = .invalidRequest("The body must be a JSON object.")
                return
            }
            self = .invalidRequest("'\(path)' must be \(wanted).", param: path)
        case .dataCorrupted(let context):
            let path = FieldName.path(context.codingPath)
            self =
                path.isEmpty
                ? .invalidRequest("The body is not valid JSON in UTF-8, or is nested too deeply.")
                : .invalidRequest("'\(path)' is out of range.", param: path)
        @unknown default:
            self = .invalidRequest("The body cannot be read.")
        }
    }

    private static func word(for type: any Any.Type) -> String {
        switch type {
        case is Bool.Type: "true or false"
        case is String.Type: "a string"
        case is Int.Type, is Int64.Type, is UInt64.Type: "a whole number"
        case is Double.Type: "a number"
        case is [Any].Type: "a list"
        default: "an object"
        }
    }
}
