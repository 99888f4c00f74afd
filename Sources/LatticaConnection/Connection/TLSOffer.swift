import LatticaCore
import NIOConcurrencyHelpers

/// The TLS identity of a host, made once, when the first connection asks for it.
final class TLSOffer: Sendable {
    private let keypair: Keypair
    private let made = NIOLockedValueBox<Result<TLSIdentity, TLSIdentityError>?>(nil)

    init(keypair: Keypair) {
        self.keypair = keypair
    }

    func identity() throws(TLSIdentityError) -> TLSIdentity {
        let result = made.withLockedValue { made in
            if let made { return made }
            let result = Result { () throws(TLSIdentityError) in try TLSIdentity(keypair: keypair) }
            made = result
            return result
        }
        return try result.get()
    }
}
