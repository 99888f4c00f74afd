import Inference

/// What the command line asks for.
struct Options {
    enum Role: String { case speed, together, prefix, read }

    var role: Role
    var model = ""
    var threads = 1
    var prompt = 512
    var generate = 128
    var inFlight = 8
    var context = 2048
    var weights = WeightStorage.repacked

    enum Fault: Error, CustomStringConvertible {
        case missingRole
        case missingModel
        case invalid(option: String, value: String?)

        var description: String {
            switch self {
            case .missingRole: "name a role: speed, together, prefix or read"
            case .missingModel: "name a GGUF file with --model"
            case .invalid(let option, let value?): "\(option) cannot be '\(value)'"
            case .invalid(let option, nil): "\(option) needs a value"
            }
        }
    }

    init(_ arguments: some Sequence<String>) throws {
        var arguments = arguments.makeIterator()
        guard let role = arguments.next().flatMap(Role.init) else { throw Fault.missingRole }
        self.role = role
        while let name = arguments.next() {
            guard let value = arguments.next() else { throw Fault.invalid(option: name, value: nil) }
            func count(from least: Int) throws -> Int {
                guard let number = Int(value), number >= least else { throw Fault.invalid(option: name, value: value) }
                return number
            }
            switch name {
            case "--model": model = value
            case "--threads": threads = try count(from: 1)
            case "--prompt": prompt = try count(from: 0)
            case "--generate": generate = try count(from: 0)
            case "--in-flight": inFlight = try count(from: 1)
            case "--context": context = try count(from: 1)
            case "--weights":
                guard let storage = WeightStorage(rawValue: value) else {
                    throw Fault.invalid(option: name, value: value)
                }
                weights = storage
            default: throw Fault.invalid(option: name, value: value)
            }
        }
        guard role == .read || !model.isEmpty else { throw Fault.missingModel }
    }

    /// No guesses: random weights repeat themselves, and guessing that is no measure of anything.
    var engineOptions: EngineOptions {
        EngineOptions(threads: threads, slots: inFlight, contextLength: context, guessesAhead: false, weights: weights)
    }
}
