import Foundation
import LatticaCore

/// One command; each operation uses a few of the fields.
struct Command: Decodable {
    var id: Int
    var op: String
    var address: String?
    var peer: String?
    var `protocol`: String?
    var protocols: [String]?
    var text: String?
    var method: String?
    /// Base64.
    var data: String?
    /// What a Python client would pickle.
    var args: JSON?
    var compression: String?
    var count: Int?
    var size: Int?
    var stop: Int?
    /// Leaves the payload out of the answer.
    var quiet: Bool?

    enum Fault: Error, CustomStringConvertible {
        case missing(String)
        case invalid(String)
        case unknownOperation(String)
        case unexpected(String)

        var description: String {
            switch self {
            case .missing(let field): "the command needs '\(field)'"
            case .invalid(let field): "'\(field)' cannot be read"
            case .unknownOperation(let name): "there is no operation '\(name)'"
            case .unexpected(let what): what
            }
        }
    }

    func required<Value>(_ field: KeyPath<Command, Value?>, _ name: String) throws -> Value {
        guard let value = self[keyPath: field] else { throw Fault.missing(name) }
        return value
    }

    var target: PeerID {
        get throws {
            do { return try PeerID(text: try required(\.peer, "peer")) } catch let fault as Fault { throw fault } catch
            {
                throw Fault.invalid("peer")
            }
        }
    }

    var payload: [UInt8] {
        get throws {
            guard let data else { return [UInt8](repeating: 0, count: size ?? 0) }
            guard let bytes = Data(base64Encoded: data) else { throw Fault.invalid("data") }
            return [UInt8](bytes)
        }
    }
}
