public import Ledger

import Foundation

/// Where a set of contracts is: what the deployment script prints.
public struct EVMDeployment: Hashable, Sendable {
    /// The chain.
    public var chainID: UInt64
    /// The addresses of the contracts.
    public var contracts: ContractAddresses
    /// The block of the first of them; earlier ones hold no events.
    public var firstBlock: UInt64

    /// Names the places of a set of contracts.
    public init(chainID: UInt64, contracts: ContractAddresses, firstBlock: UInt64) {
        self.chainID = chainID
        self.contracts = contracts
        self.firstBlock = firstBlock
    }

    /// Why a file does not say where the contracts are.
    public enum FormError: Error, Hashable, Sendable {
        /// It is not JSON with `chainId`, `contracts` and `block`.
        case malformed
        /// A contract has no address in it.
        case missing(Contract)
    }

    private struct Form: Decodable {
        var chainId: UInt64
        var contracts: [String: Address]
        var block: UInt64
    }

    /// Reads `{"chainId": …, "contracts": {"LAIToken": "0x…", …}, "block": …}`.
    public init(json: [UInt8]) throws(FormError) {
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(json)) else { throw .malformed }
        for contract in Contract.allCases where form.contracts[contract.rawValue] == nil { throw .missing(contract) }
        self.init(
            chainID: form.chainId,
            contracts: ContractAddresses { form.contracts[$0.rawValue] ?? .zero },
            firstBlock: form.block
        )
    }

    /// The domain under which users sign for this ledger.
    public var domain: TypedDomain {
        TypedDomain(chainID: chainID, verifyingContract: contracts[.userRegistry])
    }
}

/// The code of a contract that a ledger trusts: the compiled code, behind which the chain holds the constructor's figures.
public struct CodeFingerprint: Hashable, Sendable {
    /// How many bytes were compiled.
    public var length: Int
    /// keccak256 of them.
    public var hash: Bytes32

    /// Names a code by its length and hash.
    public init(length: Int, hash: Bytes32) {
        self.length = length
        self.hash = hash
    }

    /// Reads the artefact of a contract, as `contracts/build` holds it; `nil` where it is none.
    public init?(artefact json: [UInt8]) {
        struct Form: Decodable {
            var runtimeHash: Bytes32
            var runtimeSize: Int
        }
        guard let form = try? JSONDecoder().decode(Form.self, from: Data(json)), form.runtimeSize > 0 else {
            return nil
        }
        self.init(length: form.runtimeSize, hash: form.runtimeHash)
    }

    /// The fingerprint of compiled code.
    public init(of code: [UInt8]) {
        self.init(length: code.count, hash: Keccak256.hash(code))
    }

    /// Whether the code at an address is this one, with whatever figures behind it.
    public func matches(_ code: [UInt8]) -> Bool {
        code.count >= length && Keccak256.hash(Array(code.prefix(length))) == hash
    }
}
