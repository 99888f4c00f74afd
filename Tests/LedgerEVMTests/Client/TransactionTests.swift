import LatticeTesting
import Ledger
import Testing

@testable import LedgerEVM

@Suite struct `Transactions` {
    @Test func `are signed to the byte as published, and read back`() throws {
        for vectors in try ClientVectors.all() {
            for vector in vectors.transactions {
                let key = try Secp256k1Key(rawRepresentation: vector.privateKey.bytes)
                let transaction = try #require(Transaction(vector.fields))
                let signed = try transaction.signed(by: key)
                #expect(signed.raw == vector.raw.bytes)
                #expect(signed.hash == vector.hash)
                #expect(signed.sender == vector.from)
                #expect(try SignedTransaction(raw: vector.raw.bytes) == signed)
            }
        }
    }

    @Test func `create contracts at the published addresses`() throws {
        for vectors in try ClientVectors.all() {
            for vector in vectors.create {
                let nonce = try #require(UInt64(vector.nonce))
                #expect(Address.created(by: vector.sender, nonce: nonce) == vector.address)
            }
        }
    }

    @Test func `come from the published addresses, written with their checksums`() throws {
        for vectors in try ClientVectors.all() {
            for vector in vectors.addresses {
                let key = try Secp256k1Key(rawRepresentation: vector.privateKey.bytes)
                #expect(key.address == vector.address)
                #expect(key.address.description == vector.checksum)
            }
        }
    }

    @Test func `that reverted say why as published`() throws {
        for vectors in try ClientVectors.all() {
            for vector in vectors.revert {
                let expected = vector.reason ?? vector.panic.map { "panic \($0)" } ?? "reverted"
                #expect(Reason(revert: vector.data.bytes).rawValue == expected)
            }
        }
    }

    @Test func `are read only from the one encoding, whatever bit is wrong`() throws {
        let vectors = try #require(try ClientVectors.all().first)
        for vector in vectors.transactions {
            for count in 0..<vector.raw.bytes.count {
                #expect(throws: TransactionError.self) {
                    _ = try SignedTransaction(raw: Array(vector.raw.bytes.prefix(count)))
                }
            }
            var generator = SeededGenerator(seed: 8)
            for _ in 0..<200 {
                var raw = vector.raw.bytes
                let index = Int.random(in: raw.indices, using: &generator)
                raw[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
                if let read = try? SignedTransaction(raw: raw) {
                    #expect(read.raw == raw)
                    #expect(read.sender != vector.from)
                }
            }
        }
    }

    @Test func `that replace others cost at least an eighth more, up to the limit`() throws {
        let policy = FeePolicy(limit: .gwei.times(100), urgentLimit: .gwei.times(1_000))
        let first = try #require(policy.fees(baseFee: .gwei.times(10), suggestedTip: .gwei, isUrgent: false))
        #expect(first == .market(tip: .gwei, most: .gwei.times(21)))
        let second = policy.replacement(for: first, baseFee: .gwei.times(10), suggestedTip: .gwei, isUrgent: false)
        #expect(second == .market(tip: Wei(1_125_000_000), most: Wei(23_625_000_000)))
        #expect(policy.fees(baseFee: .gwei.times(100), suggestedTip: .gwei, isUrgent: false) == nil)
        #expect(
            policy.fees(baseFee: .gwei.times(100), suggestedTip: .gwei, isUrgent: true)
                == .market(tip: .gwei, most: .gwei.times(201))
        )
        let highest = Transaction.Fees.market(tip: .gwei, most: .gwei.times(90))
        #expect(policy.replacement(for: highest, baseFee: .gwei.times(10), suggestedTip: .gwei, isUrgent: false) == nil)
        #expect(policy.replacement(for: highest, baseFee: .gwei.times(10), suggestedTip: .gwei, isUrgent: true) != nil)
    }

    @Test func `show no key`() throws {
        let key = Secp256k1Key()
        let secret = Hex.encode(key.rawRepresentation).dropFirst(2)
        let keyring = Keyring([key])
        for text in ["\(keyring)", String(reflecting: keyring), "\(SendingError.noKey(key.address))"] {
            #expect(!text.contains(secret))
        }
        var dumped = ""
        dump(keyring, to: &dumped)
        #expect(!dumped.contains(secret))
    }
}

@Suite struct `Quantities` {
    @Test(arguments: [("0x0", 0), ("0x1", 1), ("0xff", 255), ("0x4D2", 1234)])
    func `have one form`(text: String, number: UInt64) {
        #expect(Quantity.decode(text) == UInt128(number))
        #expect(Quantity.encode(number) == text.lowercased())
    }

    @Test(arguments: [
        "", "0", "0x", "0x00", "0x01", "1", "0xg", "-0x1", "0x1 ", "0x" + String(repeating: "f", count: 33),
    ])
    func `are refused in any other`(text: String) {
        #expect(Quantity.decode(text) == nil)
    }

    @Test func `of wei are read by people in gwei`() {
        #expect(Wei(1_500_000_000).description == "1.5 gwei")
        #expect(Wei.gwei.times(3).description == "3 gwei")
        #expect(Wei(1).description == "0.000000001 gwei")
    }
}

extension Transaction {
    fileprivate init?(_ fields: ClientVectors.Signed.Fields) {
        guard let chain = UInt64(fields.chainId), let nonce = UInt64(fields.nonce), let gas = UInt64(fields.gas),
            let value = Bytes32(decimal: fields.value)
        else { return nil }
        let fees: Fees
        if let price = fields.gasPrice.flatMap({ UInt128($0) }) {
            fees = .legacy(gasPrice: Wei(price))
        } else if let most = fields.maxFeePerGas.flatMap({ UInt128($0) }),
            let tip = fields.maxPriorityFeePerGas.flatMap({ UInt128($0) })
        {
            fees = .market(tip: Wei(tip), most: Wei(most))
        } else {
            return nil
        }
        self.init(
            chainID: chain,
            nonce: nonce,
            to: fields.to,
            value: value,
            data: fields.data.bytes,
            gasLimit: gas,
            fees: fees,
            accessList: (fields.accessList ?? []).map { Access(address: $0.address, storageKeys: $0.storageKeys) }
        )
    }
}
