import Ledger

extension RandomCommands {
    mutating func identity(_ ledger: any Ledger) async throws -> Step {
        let person = try pick(people)
        switch number(0...5) {
        case 0...2: return plain(.registerWallet(owner: person.address, signature: nil), try mostly(person))
        case 3:
            return step(try anyone(), "register_wallet \(person.address) by its signature") { ledger in
                let message = RegisterWallet(owner: person.address)
                return .registerWallet(owner: person.address, signature: try person.sign(message, in: ledger.domain))
            }
        case 4:
            let commitment = Bytes32(number: number(1...4))
            return plain(.registerAttested(commitment: commitment), try mostly(cast.registrar))
        default:
            let device = try pick(devices)
            let grant = Command.grantKeyAttested(
                user: user(),
                key: device.keyID,
                kind: .p256,
                validUntil: time + number(0...30) * .day,
                cap: nano()
            )
            return plain(grant, try mostly(cast.registrar))
        }
    }

    /// A user with the wallet that controls it, if a person has registered.
    private mutating func member(_ ledger: any Ledger) async throws -> (UserID, Secp256k1Key, UInt64)? {
        let person = try pick(people)
        guard let user = try await ledger.user(root: person.keyID), let record = try await ledger.user(user) else {
            return nil
        }
        return (user, person, happens(oneIn: 25) ? record.nonce &- 1 : record.nonce)
    }

    /// A message signed by the member's wallet, or handed in by the wallet itself.
    private mutating func signed<Message: TypedMessage>(
        _ message: Message,
        by wallet: Secp256k1Key,
        _ command: @escaping @Sendable (Message, Auth?) -> Command
    ) throws -> Step {
        let name = "\(command(message, nil))"
        if happens(oneIn: 2) { return step(try mostly(wallet), name) { _ in command(message, nil) } }
        return step(try anyone(), name + " signed") { ledger in
            let signature = try wallet.sign(message, in: ledger.domain)
            return command(message, Auth(r: signature.r, vs: signature.s))
        }
    }

    mutating func money(_ ledger: any Ledger) async throws -> Step {
        let person = try pick(people)
        switch number(0...13) {
        case 0...3:
            let amount = happens(oneIn: 2) ? Nano(number(0...40_000_000_000)) : nano()
            return plain(.transfer(to: person.address, amount: TokenAmount(amount)), cast.administrator)
        case 4...7:
            let deposit = Command.deposit(user: user(), amount: TokenAmount(nano(20_000_000_000)))
            return plain(deposit, happens(oneIn: 3) ? person : cast.administrator)
        case 8: return plain(.grant(user: user()), try mostly(cast.faucetSigner))
        case 9: return plain(.expireBonus(user: user()), try anyone())
        case 10: return plain(.burn(amount: TokenAmount(nano(2_000))), person)
        case 11:
            let committee = cast.committee.address
            return plain(.transfer(to: committee, amount: TokenAmount(Nano(lai: 1))), cast.administrator)
        default:
            guard let (user, wallet, nonce) = try await member(ledger) else { return plain(.sweep, person) }
            let (key, kind) =
                happens(oneIn: 3) ? (try pick(devices).keyID, KeyKind.p256) : (try pick(keys).keyID, .secp256k1)
            let grant = KeyGrant(
                user: user,
                key: key,
                kind: kind,
                validUntil: time + number(happens(oneIn: 9) ? 0...40 : 20...30) * .day,
                cap: happens(oneIn: 3) ? nano(30_000_000_000) : Nano(.max),
                nonce: nonce
            )
            return try signed(grant, by: wallet) { .grantKey($0, auth: $1) }
        }
    }

    mutating func withdrawal(_ ledger: any Ledger) async throws -> Step {
        guard let (user, wallet, nonce) = try await member(ledger) else {
            return plain(.completeWithdraw(user: user()), try anyone())
        }
        switch number(0...9) {
        case 0...2:
            let to = try pick(people).address
            let message = Withdraw(user: user, amount: nano(), to: to, nonce: nonce)
            return try signed(message, by: wallet) { .requestWithdraw($0, auth: $1) }
        case 3:
            return try signed(CancelWithdraw(user: user, nonce: nonce), by: wallet) { .cancelWithdraw($0, auth: $1) }
        case 4: return plain(.completeWithdraw(user: user), try anyone())
        case 5 where happens(oneIn: 2):
            let message = KeyRevoke(user: user, key: try pick(keyIDs), nonce: nonce)
            return try signed(message, by: wallet) { .revokeKey($0, auth: $1) }
        case 6 where happens(oneIn: 6):
            return try signed(BumpGeneration(user: user, nonce: nonce), by: wallet) { .bumpGeneration($0, auth: $1) }
        default:
            let (key, kind) =
                happens(oneIn: 3) ? (try pick(devices).keyID, KeyKind.p256) : (try pick(keys).keyID, .secp256k1)
            let message = KeyGrant(
                user: user,
                key: key,
                kind: kind,
                validUntil: time + number(10...30) * .day,
                cap: Nano(.max),
                nonce: nonce
            )
            return try signed(message, by: wallet) { .grantKey($0, auth: $1) }
        }
    }
}
