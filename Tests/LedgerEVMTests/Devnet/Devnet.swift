import Foundation
import LatticeTesting
import Ledger
import Testing

@testable import LedgerEVM

/// A real EVM behind JSON-RPC, in a process of its own that ends with the test.
///
/// It needs Python with the packages of the contracts: `make setup-test` puts them into `~/.cache/lattice/contracts-venv`.
final class Devnet: Sendable {
    let url: String
    let chainID: UInt64
    /// Keys of accounts that have coins.
    let keys: [Secp256k1Key]
    let transport: HTTPTransport
    private let endpoint: RPCEndpoint
    private let process: Process
    private let input: Pipe

    private struct Greeting: Decodable {
        struct Account: Decodable {
            var privateKey: HexBytes
        }

        var rpc: String
        var chainId: UInt64
        var accounts: [Account]
    }

    /// Python and the program; `nil` where they are missing.
    private static let program: (python: String, script: String)? = {
        let cache =
            ProcessInfo.processInfo.environment["XDG_CACHE_HOME"] ?? NSHomeDirectory() + "/.cache"
        let python =
            ProcessInfo.processInfo.environment["LATTICE_CONTRACTS_PYTHON"]
            ?? cache + "/lattice/contracts-venv/bin/python"
        guard FileManager.default.isExecutableFile(atPath: python),
            let script = sharedFolder()?.appending(path: "devnet/devnet.py").path(percentEncoded: false),
            FileManager.default.isReadableFile(atPath: script), canImport(python)
        else { return nil }
        return (python, script)
    }()

    /// Python with the packages of the contracts.
    static var python: String? { program?.python }

    private static func canImport(_ python: String) -> Bool {
        let process = Process()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", "import coincurve, ethereum"]
        process.standardError = FileHandle.nullDevice
        guard (try? process.run()) != nil else { return false }
        process.waitUntilExit()
        return process.terminationStatus == 0
    }

    /// Whether the tests with a chain can run; where they cannot, one line says so.
    static let isAvailable: Bool = {
        guard program == nil else { return true }
        FileHandle.standardError.write(
            Data(
                """
                *** NO DEVNET: the tests of the ledger on a chain are skipped; \
                they need ../shared/devnet and Python with its packages (make setup-test) ***

                """.utf8
            )
        )
        return false
    }()

    /// Ends with the standard input, so that no process is left behind a test that was killed.
    ///
    /// The machine works out anew for each call where a contract may jump to, which takes twenty times as long as a view of
    /// the registry; here it does so once for each code.
    private static let wrapper = """
        import functools, os, runpy, sys, threading
        from ethereum.forks.osaka.vm import interpreter
        interpreter.get_valid_jump_destinations = functools.lru_cache(256)(interpreter.get_valid_jump_destinations)
        def watch():
            sys.stdin.read()
            os._exit(0)
        threading.Thread(target=watch, daemon=True).start()
        sys.argv = sys.argv[1:]
        sys.path.insert(0, os.path.dirname(sys.argv[0]))
        runpy.run_path(sys.argv[0], run_name="__main__")
        """

    private init(_ arguments: [String]) throws {
        let (python, script) = try #require(Self.program)
        process = Process()
        input = Pipe()
        let output = Pipe()
        process.executableURL = URL(filePath: python)
        process.arguments = ["-c", Self.wrapper, script, "--port", "0"] + arguments
        process.standardInput = input
        process.standardOutput = output
        try process.run()
        var line: [UInt8] = []
        // The greeting is one line; the program writes nothing more.
        while line.last != UInt8(ascii: "\n") {
            let bytes = output.fileHandleForReading.availableData
            guard !bytes.isEmpty else { throw DevnetError.ended }
            line += Array(bytes)
        }
        let greeting = try JSONDecoder().decode(Greeting.self, from: Data(line))
        url = greeting.rpc
        chainID = greeting.chainId
        keys = try greeting.accounts.map { try Secp256k1Key(rawRepresentation: $0.privateKey.bytes) }
        transport = try HTTPTransport(url: greeting.rpc)
        endpoint = RPCEndpoint(transport: transport, chainID: greeting.chainId, options: RPCOptions())
    }

    /// Starts a devnet that ends with the process.
    static func start(_ arguments: [String]) throws -> Devnet { try Devnet(arguments) }

    func stop() {
        try? input.fileHandleForWriting.close()
        process.waitUntilExit()
    }

    var client: EthereumClient { EthereumClient(transports: [transport], chainID: chainID) }

    // MARK: What only a devnet can do

    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }

    func tell(_ method: String, _ parameters: JSON...) async throws {
        _ = try await endpoint.ask(RPCCall(method, parameters), as: Anything?.self)
    }

    func mine(_ count: Int = 1) async throws {
        for _ in 0..<count { try await tell("evm_mine") }
    }

    func setAutomine(_ on: Bool) async throws { try await tell("evm_setAutomine", .bool(on)) }

    func reorganise(_ depth: Int, dropping: Bool = false) async throws {
        try await tell("devnet_reorg", .number(depth), .bool(dropping))
    }

    /// Makes calls of a method fail: `error`, `http`, `delay`, `lose` or `swallow`.
    func fault(_ method: String, _ kind: String, count: Int = 1, _ more: [String: JSON] = [:]) async throws {
        var fields: [String: JSON] = ["method": .string(method), "kind": .string(kind), "count": .number(count)]
        fields.merge(more) { _, new in new }
        try await tell("devnet_setFault", .object(fields))
    }

    func clearFaults() async throws { try await tell("devnet_clearFaults") }

    func give(_ wei: Wei, to account: Address) async throws {
        try await tell("devnet_setBalance", .address(account), .string(Quantity.encode(wei)))
    }

    func setNextTime(_ time: UInt64) async throws { try await tell("evm_setNextBlockTimestamp", .quantity(time)) }

    func snapshot() async throws -> String { try await endpoint.ask(RPCCall("evm_snapshot"), as: String.self) }

    func revert(to snapshot: String) async throws { try await tell("evm_revert", .string(snapshot)) }
}

/// Why a test with a devnet could not go on.
enum DevnetError: Error {
    /// The process ended before it said where it listens.
    case ended
    /// A submission was not final after many blocks.
    case undecided(name: UInt64)
}
