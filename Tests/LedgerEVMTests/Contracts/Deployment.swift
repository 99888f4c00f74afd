import Foundation
import Ledger
import LedgerConformance
import LedgerEVM
import Testing

/// The contracts of the repository on a devnet.
struct ContractsOnDevnet: Sendable {
    let devnet: Devnet
    let deployment: EVMDeployment

    /// The folder with the contracts' artefacts and the deployment script.
    static let folder = URL(filePath: #filePath).appending(path: "../../../../contracts").standardizedFileURL

    private struct Configuration: Encodable {
        var owner: String
        var roles: [String: String]
        var allocation: [String: String]
        var parameters: [String: String]
    }

    /// Starts a devnet and deploys every contract as the beginning says.
    static func start(_ beginning: Beginning, devnet arguments: [String]) throws -> ContractsOnDevnet {
        let devnet = try Devnet.start(arguments)
        do {
            return ContractsOnDevnet(devnet: devnet, deployment: try deploy(beginning, on: devnet))
        } catch {
            devnet.stop()
            throw error
        }
    }

    private static func deploy(_ beginning: Beginning, on devnet: Devnet) throws -> EVMDeployment {
        let cast = beginning.cast
        var roles = Dictionary(uniqueKeysWithValues: Role.allCases.map { ($0.rawValue, cast[$0].address.description) })
        if beginning.isGovernedByStake { roles["council"] = "Governor" }
        let rest = beginning.supply.units - beginning.faucetSupply.units
        let configuration = Configuration(
            owner: beginning.isOwnedByTimelock ? "Timelock" : cast.owner.address.description,
            roles: roles,
            allocation: [
                cast.administrator.address.description: String(rest), "Faucet": String(beginning.faucetSupply.units),
            ],
            parameters: Dictionary(
                uniqueKeysWithValues: Parameters.Name.allCases.map { ($0.rawValue, String(beginning.parameters[$0])) }
            )
        )
        let file = FileManager.default.temporaryDirectory.appending(path: "deploy-\(UUID().uuidString).json")
        try JSONEncoder().encode(configuration).write(to: file)
        defer { try? FileManager.default.removeItem(at: file) }
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(filePath: try #require(Devnet.python))
        process.arguments = [
            folder.appending(path: "deploy.py").path(percentEncoded: false), "--rpc", devnet.url, "--key",
            Hex.encode(devnet.keys[9].rawRepresentation), "--config", file.path(percentEncoded: false),
        ]
        process.standardOutput = output
        try process.run()
        let printed = try output.fileHandleForReading.readToEnd() ?? Data()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "deploy.py failed")
        return try EVMDeployment(json: Array(printed))
    }

    /// The code that is checked in.
    static func code(of contract: Contract) throws -> CodeFingerprint {
        let file = folder.appending(path: "build/\(contract.rawValue).json")
        return try #require(CodeFingerprint(artefact: Array(try Data(contentsOf: file))))
    }
}
