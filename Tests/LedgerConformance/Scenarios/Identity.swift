import Ledger

extension Scenario {
    /// Identity and keys.
    static let identity: [Scenario] = [
        Scenario([1], "a passkey registers once") { stage in
            let passkey = Authenticator()
            let registration = try passkey.registration(in: stage.ledger.domain)
            let user = try await stage.run(registration, by: stage.stranger).registeredUser
            try expect(user == UserID(1))
            try expect(try await stage.ledger.user(root: passkey.root) == user)
            try await stage.refuse(registration, by: stage.stranger, .alreadyRegistered)
        },

        Scenario([2], "a wallet registers by itself or by its signature, never by another's") { stage in
            let (wallet, other) = (try await stage.wallet(), Secp256k1Key())
            try await stage.run(.registerWallet(owner: wallet.address, signature: nil), by: wallet)
            let message = RegisterWallet(owner: other.address)
            let stolen = try wallet.sign(message, in: stage.ledger.domain)
            try await stage.refuse(.registerWallet(owner: other.address, signature: stolen), .badSignature)
            try await stage.refuse(.registerWallet(owner: other.address, signature: nil), .notAllowed)
            let signature = try other.sign(message, in: stage.ledger.domain)
            let signed = Command.registerWallet(owner: other.address, signature: signature)
            try expect(try await stage.run(signed).registeredUser == UserID(2))
        },

        Scenario([], "a signature of zeros is none, in memory as on disk") { stage in
            let wallet = try await stage.wallet()
            let zeros = LedgerSignature(r: .zero, s: .zero, x: Bytes32(number: 1), y: .zero)
            let registration = Command.registerWallet(owner: wallet.address, signature: zeros)
            try await stage.refuse(registration, .notAllowed)
            let user = try require(try await stage.run(registration, by: wallet).registeredUser)
            let message = BumpGeneration(user: user, nonce: 0)
            let auth = Auth(r: .zero, vs: .zero)
            try await stage.refuse(.bumpGeneration(message, auth: auth), .unknownRoot)
            try await stage.run(.bumpGeneration(message, auth: auth), by: wallet)
        },

        Scenario([3], "only the registrar attests, and a commitment once") { stage in
            let command = Command.registerAttested(commitment: Keccak256.hash([1]))
            try await stage.refuse(command, .notAllowed)
            try await stage.run(command, by: stage.cast.registrar)
            try await stage.refuse(command, by: stage.cast.registrar, .alreadyRegistered)
        },

        Scenario([4, 5], "a key is granted by passkey, by the wallet itself and by its signature, each message once") {
            stage in
            let passkey = Authenticator()
            let user = try require(
                try await stage.run(try passkey.registration(in: stage.ledger.domain)).registeredUser
            )
            let message = KeyGrant(
                user: user,
                key: P256SessionKey().keyID,
                kind: .p256,
                validUntil: try await stage.now() + .day,
                cap: Nano(5),
                nonce: 0
            )
            let elsewhere = TypedDomain(chainID: 1, verifyingContract: .zero)
            let foreign = Command.grantKey(message, auth: try passkey.sign(message, in: elsewhere))
            try await stage.refuse(foreign, .badSignature)
            let grant = Command.grantKey(message, auth: try passkey.sign(message, in: stage.ledger.domain))
            let events = try await stage.run(grant).events
            try expect(
                events == [
                    .keyGranted(
                        user: user,
                        key: message.key,
                        kind: .p256,
                        validUntil: message.validUntil,
                        cap: Nano(5)
                    )
                ]
            )
            try await stage.refuse(grant, .badNonce)

            let person = try await stage.person()
            let signed = KeyGrant(
                user: person.id,
                key: Secp256k1Key().keyID,
                kind: .secp256k1,
                validUntil: try await stage.now() + .day,
                cap: Nano(1),
                nonce: 1
            )
            try await stage.refuse(.grantKey(signed, auth: nil), .unknownRoot)
            try await stage.run(.grantKey(signed, auth: try stage.sign(signed, person.wallet)))
        },

        Scenario([6], "an assertion that is not a verified user's for this site and message is refused") { stage in
            let passkey = Authenticator()
            let user = try require(
                try await stage.run(try passkey.registration(in: stage.ledger.domain)).registeredUser
            )
            let message = BumpGeneration(user: user, nonce: 0)
            var wrong = Array(repeating: passkey, count: 4)
            wrong[0].flags = 0x01
            wrong[1].relyingParty = "evil.example"
            wrong[2].type = "webauthn.create"
            wrong[3].changesChallenge = true
            for passkey in wrong {
                let auth = try passkey.sign(message, in: stage.ledger.domain)
                try await stage.refuse(.bumpGeneration(message, auth: auth), .badSignature)
            }
            try await stage.run(.bumpGeneration(message, auth: try passkey.sign(message, in: stage.ledger.domain)))
        },

        Scenario([7], "a key belongs to one user for ever") { stage in
            let (owner, other) = (try await stage.person(), try await stage.person())
            func steal(at time: UInt64) async throws {
                try await stage.setTime(time)
                let message = KeyGrant(
                    user: other.id,
                    key: owner.key.keyID,
                    kind: .secp256k1,
                    validUntil: time + .day,
                    cap: Nano(1),
                    nonce: try await stage.nonce(other.id)
                )
                try await stage.refuse(.grantKey(message, auth: nil), by: other.wallet, .keyTaken)
            }
            let start = try await stage.now()
            try await steal(at: start + 5)
            try await steal(at: start + 60 * .day)
        },

        Scenario([8], "cap and validity move, the cap not below what is spent, the validity not beyond the limit") {
            stage in
            let person = try await stage.person(deposit: Nano(1_000), cap: Nano(100))
            let node = try await stage.node()
            try expect(try await stage.settle([try stage.voucher(person.key, node, Nano(70))]) == [.settled])
            try await stage.grant(person.key.keyID, to: person, validFor: 25 * .day, cap: Nano(500))
            try expect(try await stage.ledger.key(person.key.keyID)?.cap == Nano(500))
            try await stage.grant(person.key.keyID, to: person, cap: Nano(10))
            try expect(try await stage.ledger.key(person.key.keyID)?.cap == Nano(70))
            let tooLong = KeyGrant(
                user: person.id,
                key: person.key.keyID,
                kind: .secp256k1,
                validUntil: try await stage.now() + 30 * .day + 60,
                cap: Nano(1),
                nonce: try await stage.nonce(person.id)
            )
            try await stage.refuse(.grantKey(tooLong, auth: nil), by: person.wallet, .badValidity)
            // A grant cannot end a key sooner than a revocation would.
            let granted = try await stage.grant(person.key.keyID, to: person, validFor: 60)
            try expect(try await stage.ledger.key(person.key.keyID)?.validUntil == granted.time + 6 * .hour)
        },

        Scenario([9], "a revoked key settles until the delay is over") { stage in
            let person = try await stage.person(deposit: Nano(1_000))
            let node = try await stage.node()
            let message = KeyRevoke(user: person.id, key: person.key.keyID, nonce: try await stage.nonce(person.id))
            let end = try await stage.run(.revokeKey(message, auth: nil), by: person.wallet).time + 6 * .hour
            try await stage.setTime(end)
            let last = [try stage.voucher(person.key, node, Nano(1))]
            try expect(try await stage.settle(last, atItsTime: true) == [.settled])
            try await stage.setTime(end + 1)
            let late = [try stage.voucher(person.key, node, Nano(2))]
            try expect(try await stage.settle(late, atItsTime: true) == [.keyExpired])
        },

        Scenario([10], "a bump ends all keys after the delay, and no later one") { stage in
            let person = try await stage.person(deposit: Nano(1_000))
            let node = try await stage.node()
            let bump = BumpGeneration(user: person.id, nonce: try await stage.nonce(person.id))
            try await stage.run(.bumpGeneration(bump, auth: nil), by: person.wallet)
            let again = BumpGeneration(user: person.id, nonce: try await stage.nonce(person.id))
            try await stage.refuse(.bumpGeneration(again, auth: nil), by: person.wallet, .bumpPending)
            let later = Secp256k1Key()
            try await stage.grant(later.keyID, to: person)
            try expect(try await stage.settle([try stage.voucher(person.key, node, Nano(1))]) == [.settled])
            try await stage.advance(6 * .hour + 1)
            let old = [try stage.voucher(person.key, node, Nano(2))]
            try expect(try await stage.settle(old, atItsTime: true) == [.keyExpired])
            try expect(try await stage.settle([try stage.voucher(later, node, Nano(2))]) == [.settled])
        },

        Scenario([11], "a user has one to four roots") { stage in
            let person = try await stage.person()
            func change(_ root: Secp256k1Key, add: Bool, by wallet: Secp256k1Key) async throws -> Command {
                let message = RootChange(
                    user: person.id,
                    root: root.keyID,
                    kind: .secp256k1,
                    rpIDHash: .zero,
                    add: add,
                    nonce: try await stage.nonce(person.id)
                )
                return .changeRoot(message, auth: try stage.sign(message, wallet))
            }
            let roots = (0..<4).map { _ in Secp256k1Key() }
            for root in roots.prefix(3) { try await stage.run(try await change(root, add: true, by: person.wallet)) }
            try await stage.refuse(try await change(roots[3], add: true, by: person.wallet), .tooManyRoots)
            try await stage.run(try await change(person.wallet, add: false, by: roots[0]))
            try await stage.refuse(try await change(roots[1], add: false, by: person.wallet), .unknownRoot)
            try await stage.run(try await change(roots[1], add: false, by: roots[0]))
            try await stage.run(try await change(roots[2], add: false, by: roots[0]))
            try await stage.refuse(try await change(roots[0], add: false, by: roots[0]), .lastRoot)
        },

        Scenario(
            [12, 13],
            "the registrar grants at once, later after a delay with a veto, and never once there is a root"
        ) { stage in
            let user = try require(
                try await stage.run(.registerAttested(commitment: Keccak256.hash([9])), by: stage.cast.registrar)
                    .registeredUser
            )
            try await stage.run(.grant(user: user), by: stage.cast.faucetSigner)
            let (first, second) = (P256SessionKey(), P256SessionKey())
            let validUntil = try await stage.now() + 25 * .day
            @Sendable func grant(_ key: P256SessionKey) -> Command {
                .grantKeyAttested(
                    user: user,
                    key: key.keyID,
                    kind: .p256,
                    validUntil: validUntil,
                    cap: Nano(lai: 5)
                )
            }
            try await stage.refuse(grant(first), .notAllowed)
            try await stage.run(grant(first), by: stage.cast.registrar)
            try expect(try await stage.ledger.key(first.keyID)?.user == user)

            try await stage.run(.deposit(user: user, amount: TokenAmount(Nano(lai: 10))))
            try await stage.run(grant(second), by: stage.cast.registrar)
            try expect(try await stage.ledger.key(second.keyID) == nil)
            try await stage.refuse(grant(second), by: stage.cast.registrar, .tooEarly)
            let veto = KeyRevoke(user: user, key: second.keyID, nonce: 0)
            let stranger = Command.veto(veto, signature: try second.sign(veto, in: stage.ledger.domain))
            try await stage.refuse(stranger, .unknownKey)
            try await stage.run(.veto(veto, signature: try first.sign(veto, in: stage.ledger.domain)))

            try await stage.run(grant(second), by: stage.cast.registrar)
            try await stage.advance(72 * .hour)
            try await stage.run(grant(second), by: stage.cast.registrar)
            try expect(try await stage.ledger.key(second.keyID)?.user == user)

            let passkey = Authenticator()
            let change = RootChange(
                user: user,
                root: passkey.root,
                kind: .p256,
                rpIDHash: passkey.rpIDHash,
                add: true,
                nonce: 1
            )
            let signature = try first.sign(change, in: stage.ledger.domain)
            let approval = Auth(
                r: signature.r,
                s: signature.s,
                x: signature.x,
                y: signature.y,
                authenticatorData: [],
                clientDataRest: []
            )
            try await stage.run(.changeRoot(change, auth: approval))
            try await stage.refuse(grant(second), by: stage.cast.registrar, .hasRoots)
        },
    ]
}
