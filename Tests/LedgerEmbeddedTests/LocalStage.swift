import Ledger
import LedgerConformance
import LedgerEmbedded

extension Genesis {
    /// The beginning of a stage with the specification's figures.
    static let standard: Genesis = {
        guard let beginning = try? Beginning() else { preconditionFailure("the cast's keys are keys") }
        return Genesis(beginning, clusterPublicKey: [])
    }()
}

extension Address {
    /// Has nothing.
    static let stranger = Address(lastOf: Keccak256.hash([1]))
}
