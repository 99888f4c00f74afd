import Foundation
import Ledger

/// What is sent to an endpoint.
indirect enum JSON: Hashable, Sendable {
    case string(String)
    case number(Int)
    case bool(Bool)
    case array([JSON])
    case object([String: JSON])

    static func data(_ bytes: [UInt8]) -> JSON { .string(Hex.encode(bytes)) }
    static func address(_ address: Address) -> JSON { .string(Hex.encode(address.bytes)) }
    static func word(_ word: Bytes32) -> JSON { .string(word.description) }
    static func quantity(_ number: UInt64) -> JSON { .string(Quantity.encode(number)) }

    func append(to text: inout String) {
        switch self {
        case .string(let string): Self.append(string, to: &text)
        case .number(let number): text += String(number)
        case .bool(let isTrue): text += isTrue ? "true" : "false"
        case .array(let items):
            text += "["
            for (index, item) in items.enumerated() {
                if index > 0 { text += "," }
                item.append(to: &text)
            }
            text += "]"
        case .object(let fields):
            text += "{"
            for (index, field) in fields.sorted(by: { $0.key < $1.key }).enumerated() {
                if index > 0 { text += "," }
                Self.append(field.key, to: &text)
                text += ":"
                field.value.append(to: &text)
            }
            text += "}"
        }
    }

    private static func append(_ string: String, to text: inout String) {
        text += "\""
        for scalar in string.unicodeScalars {
            switch scalar {
            case "\"", "\\":
                text += "\\"
                text.unicodeScalars.append(scalar)
            case _ where scalar.value < 0x20:
                let digits = String(scalar.value, radix: 16)
                text += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            default: text.unicodeScalars.append(scalar)
            }
        }
        text += "\""
    }
}

/// A number of up to 128 bits in an answer.
struct HexNumber: Decodable, Hashable {
    var value: UInt128

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let value = Quantity.decode(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a quantity")
        }
        self.value = value
    }
}

/// A number of up to 64 bits in an answer.
struct HexNumber64: Decodable, Hashable {
    var value: UInt64

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let number = Quantity.decode(try container.decode(String.self)), let value = UInt64(exactly: number)
        else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not a quantity of 64 bits")
        }
        self.value = value
    }
}

/// Bytes in an answer.
struct HexData: Decodable, Hashable {
    var bytes: [UInt8]

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let bytes = Hex.decode(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "not bytes")
        }
        self.bytes = bytes
    }
}

/// One answer (JSON-RPC 2.0, "Response object").
struct RPCAnswer<Value: Decodable>: Decodable {
    var id: Int?
    var result: Result<Value, RPCRefusal>

    private enum Field: String, CodingKey {
        case jsonrpc, id, result, error
    }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Field.self)
        guard try fields.decode(String.self, forKey: .jsonrpc) == "2.0" else {
            throw DecodingError.dataCorruptedError(forKey: .jsonrpc, in: fields, debugDescription: "not 2.0")
        }
        id = try fields.decodeIfPresent(Int.self, forKey: .id)
        if fields.contains(.error), try !fields.decodeNil(forKey: .error) {
            result = .failure(try fields.decode(Fault.self, forKey: .error).refusal)
        } else {
            result = .success(try fields.decode(Value.self, forKey: .result))
        }
    }

    /// An error object; some endpoints wrap the data of a revert once more.
    private struct Fault: Decodable {
        var refusal: RPCRefusal

        private enum Field: String, CodingKey {
            case code, message, data
        }

        private struct Wrapped: Decodable {
            var data: HexData
        }

        init(from decoder: any Decoder) throws {
            let fields = try decoder.container(keyedBy: Field.self)
            let data =
                (try? fields.decode(HexData.self, forKey: .data))
                ?? (try? fields.decode(Wrapped.self, forKey: .data))?.data
            refusal = RPCRefusal(
                code: try fields.decode(Int.self, forKey: .code),
                message: try fields.decode(String.self, forKey: .message),
                data: data?.bytes
            )
        }
    }
}
