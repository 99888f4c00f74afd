import Ledger
import Testing

@Suite struct `Typed messages` {
    @Test func `hash to the digests of the vectors`() throws {
        for vectors in try EthVectors.all() {
            let domain = vectors.eip712.domain.typed
            #expect(domain.separator == vectors.eip712.separator)
            for vector in vectors.eip712.messages {
                let message = try typedMessage(vector.type, vector.message)
                #expect(type(of: message).typeString == vector.type)
                #expect(type(of: message).typeHash == vector.typeHash)
                #expect(message.structHash == vector.structHash)
                #expect(message.keccakDigest(in: domain) == vector.digest)
                #expect(message.sha256Digest(in: domain) == vector.digestP256)
            }
        }
    }

    @Test func `of every other type hash as an independent library hashes them`() throws {
        let vectors = try LatticeVectors.load()
        for vector in vectors.messages {
            let message = try typedMessage(vector.type, vector.message)
            #expect(type(of: message).typeString == vector.type)
            #expect(message.structHash == vector.structHash)
            #expect(message.keccakDigest(in: vectors.domain.typed) == vector.digest)
        }
    }

    @Test func `signed by wallets and by devices name their keys`() throws {
        for vectors in try EthVectors.all() {
            let domain = vectors.eip712.domain.typed
            for vector in vectors.eip712.messages {
                let message = try typedMessage(vector.type, vector.message)
                let wallet = LedgerSignature(r: vector.secp256k1.r, vs: vector.secp256k1.vs)
                #expect(wallet.kind == .secp256k1)
                #expect(keyID(wallet, message, domain) == KeyID(secp256k1: vector.secp256k1.address))

                let device = LedgerSignature(
                    r: vector.p256.r,
                    s: vector.p256.s,
                    x: vector.p256.x,
                    y: vector.p256.y
                )
                #expect(device.kind == .p256)
                #expect(keyID(device, message, domain) == vector.p256.keyId)
            }
        }
    }

    /// RFC 6979 leaves the signer no choice.
    @Test func `are signed by wallets to the byte`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.eip712.messages {
                let key = try Secp256k1Key(rawRepresentation: vector.secp256k1.privateKey.bytes)
                let (r, vs) = try key.sign(digest: vector.digest)
                #expect(r == vector.secp256k1.r)
                #expect(vs == vector.secp256k1.vs)
            }
        }
    }

    @Test func `signed for one ledger are not valid on another`() throws {
        let domain = try EthVectors.copy.get().eip712.domain.typed
        let others = [
            TypedDomain(chainID: domain.chainID + 1, verifyingContract: domain.verifyingContract),
            TypedDomain(chainID: domain.chainID, verifyingContract: .zero),
            .local(clusterPublicKey: [1]),
        ]
        let voucher = Voucher(node: NodeID(1), amount: Nano(5), units: 2, receipts: .zero)
        let wallet = Secp256k1Key()
        let device = P256SessionKey()
        let signatures = [try wallet.sign(voucher, in: domain), try device.sign(voucher, in: domain)]
        #expect(recoverKeyID(voucher: voucher, signature: signatures[0], domain: domain) == wallet.keyID)
        #expect(recoverKeyID(voucher: voucher, signature: signatures[1], domain: domain) == device.keyID)
        for other in others {
            #expect(recoverKeyID(voucher: voucher, signature: signatures[0], domain: other) != wallet.keyID)
            #expect(recoverKeyID(voucher: voucher, signature: signatures[1], domain: other) == nil)
        }
    }

    @Test func `of a local ledger have the domain of the cluster's key`() throws {
        let vector = try LatticeVectors.load().local
        let domain = TypedDomain.local(clusterPublicKey: vector.clusterPublicKey.bytes)
        #expect(String(domain.chainID) == vector.chainID)
        #expect(domain.chainID >> 63 == 1)
        #expect(domain.verifyingContract == vector.verifyingContract)
        #expect(domain.separator == vector.separator)
    }

    private func keyID(_ signature: LedgerSignature, _ message: some TypedMessage, _ domain: TypedDomain) -> KeyID? {
        signature.recoverKeyID(of: message, in: domain)
    }
}

/// The message of a vector, by the name of its type.
func typedMessage(_ type: String, _ json: [String: JSONValue]) throws -> any TypedMessage {
    func number(_ name: String) throws -> UInt64 { try #require(json[name]?.number) }
    func word(_ name: String) throws -> Bytes32 { try #require(json[name]?.text.flatMap { Bytes32(hex: $0) }) }
    func address(_ name: String) throws -> Address { try #require(json[name]?.text.flatMap { Address(hex: $0) }) }
    func keyID(_ name: String) throws -> KeyID { KeyID(secp256k1: try address(name)) }
    func kind() throws -> KeyKind { try #require(KeyKind(rawValue: UInt8(number("kind")))) }
    func bool(_ name: String) throws -> Bool {
        guard case .bool(let value)? = json[name] else { throw ABIError.valueOutOfRange }
        return value
    }
    func user() throws -> UserID { UserID(try number("user")) }
    func node() throws -> NodeID { NodeID(try number("node")) }
    func nano(_ name: String) throws -> Nano { Nano(try number(name)) }

    switch type.prefix(while: { $0 != "(" }) {
    case "Voucher":
        return Voucher(
            node: try node(),
            amount: try nano("amount"),
            units: try number("units"),
            receipts: try word("receipts")
        )
    case "KeyGrant":
        return KeyGrant(
            user: try user(),
            key: try keyID("key"),
            kind: try kind(),
            validUntil: try number("validUntil"),
            cap: try nano("cap"),
            nonce: try number("nonce")
        )
    case "KeyRevoke": return KeyRevoke(user: try user(), key: try keyID("key"), nonce: try number("nonce"))
    case "Withdraw":
        return Withdraw(
            user: try user(),
            amount: try nano("amount"),
            to: try address("to"),
            nonce: try number("nonce")
        )
    case "CancelWithdraw": return CancelWithdraw(user: try user(), nonce: try number("nonce"))
    case "RootChange":
        return RootChange(
            user: try user(),
            root: try keyID("root"),
            kind: try kind(),
            rpIDHash: try word("rpIdHash"),
            add: try bool("add"),
            nonce: try number("nonce")
        )
    case "BumpGeneration": return BumpGeneration(user: try user(), nonce: try number("nonce"))
    case "RegisterWallet": return RegisterWallet(owner: try address("owner"))
    case "RegisterPasskey": return RegisterPasskey(x: try word("x"), y: try word("y"), rpIDHash: try word("rpIdHash"))
    case "Quote":
        return Quote(
            node: try node(),
            model: try word("model"),
            inputPrice: try nano("inputPrice"),
            outputPrice: try nano("outputPrice"),
            validUntil: try number("validUntil")
        )
    case "Receipt":
        return Receipt(
            session: try word("session"),
            seq: try number("seq"),
            node: try node(),
            key: try keyID("key"),
            request: try word("request"),
            response: try word("response"),
            quote: try word("quote"),
            inputTokens: try number("inputTokens"),
            outputTokens: try number("outputTokens"),
            cost: try nano("cost"),
            amount: try nano("amount"),
            finishedAt: try number("finishedAt")
        )
    default: throw ABIError.valueOutOfRange
    }
}
