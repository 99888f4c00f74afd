import Foundation
import Ledger
import Testing

@Suite struct `Signatures` {
    let domain = TypedDomain.local(clusterPublicKey: [7])
    let voucher = Voucher(node: NodeID(3), amount: Nano(1_000), units: 12, receipts: .zero)

    @Test func `recover the addresses of the vectors and nothing from broken ones`() throws {
        for vectors in try EthVectors.all() {
            for vector in vectors.recover {
                let address = Secp256k1.recover(digest: vector.hash, r: vector.r, s: vector.s, parity: vector.v)
                #expect(address == (vector.highS == true ? nil : vector.address))
            }
        }
    }

    @Test func `with a parity beyond one recover nothing`() throws {
        let vector = try #require(try EthVectors.copy.get().recover.first)
        for parity in UInt8(2)...255 {
            #expect(Secp256k1.recover(digest: vector.hash, r: vector.r, s: vector.s, parity: parity) == nil)
        }
    }

    @Test func `by a wallet are valid and change with every bit`() throws {
        let key = Secp256k1Key()
        let signature = try key.sign(voucher, in: domain)
        #expect(signature.recoverKeyID(of: voucher, in: domain) == key.keyID)
        for bit in 0..<512 {
            let r = bit < 256 ? try flipped(signature.r, bit) : signature.r
            let s = bit < 256 ? signature.s : try flipped(signature.s, bit - 256)
            let other = LedgerSignature(r: r, vs: s).recoverKeyID(of: voucher, in: domain)
            #expect(other != key.keyID)
        }
    }

    @Test func `by a device are valid and not with any bit changed`() throws {
        let key = P256SessionKey()
        let signature = try key.sign(voucher, in: domain)
        #expect(signature.recoverKeyID(of: voucher, in: domain) == key.keyID)
        for bit in 0..<256 {
            let changed = [
                LedgerSignature(r: try flipped(signature.r, bit), s: signature.s, x: signature.x, y: signature.y),
                LedgerSignature(r: signature.r, s: try flipped(signature.s, bit), x: signature.x, y: signature.y),
                LedgerSignature(r: signature.r, s: signature.s, x: try flipped(signature.x, bit), y: signature.y),
                LedgerSignature(r: signature.r, s: signature.s, x: signature.x, y: try flipped(signature.y, bit)),
            ]
            #expect(changed.allSatisfy { $0.recoverKeyID(of: voucher, in: domain) == nil })
        }
    }

    @Test func `by a device are valid with either s`() throws {
        let order = "0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551"
        let key = P256SessionKey()
        let signature = try key.sign(voucher, in: domain)
        let other = LedgerSignature(
            r: signature.r,
            s: try difference(#require(Bytes32(hex: order)), signature.s),
            x: signature.x,
            y: signature.y
        )
        #expect(other.recoverKeyID(of: voucher, in: domain) == key.keyID)
    }

    @Test func `of zeros, of ones and off the curve name nobody`() throws {
        let device = P256SessionKey().point
        let ones = try #require(Bytes32([UInt8](repeating: 255, count: 32)))
        let one = Bytes32(number: 1)
        let prime = try #require(
            Bytes32(hex: "0xffffffff00000001000000000000000000000000ffffffffffffffffffffffff")
        )
        let order = try #require(
            Bytes32(hex: "0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551")
        )
        let halves = [
            (Bytes32.zero, Bytes32.zero), (one, .zero), (.zero, one), (ones, ones), (order, one), (one, order),
        ]
        let points = [(device.x, device.y), (one, .zero), (device.x, .zero), (ones, ones), (prime, one)]
        for (x, y) in points {
            for (r, s) in halves {
                #expect(LedgerSignature(r: r, s: s, x: x, y: y).recoverKeyID(of: voucher, in: domain) == nil)
            }
        }
        for (r, vs) in halves.prefix(4) {
            #expect(LedgerSignature(r: r, vs: vs).recoverKeyID(of: voucher, in: domain) == nil)
        }
        #expect(P256Point(x: device.x, y: device.y).isOnCurve)
        #expect(!P256Point(x: device.y, y: device.x).isOnCurve)
        #expect(!P256Point(x: prime, y: one).isOnCurve)
    }

    @Test func `of random words name no known key and end no process`() throws {
        var random = SeededGenerator(seed: 8)
        let wallet = Secp256k1Key()
        for _ in 0..<2_000 {
            let (r, s, x, y) = (try random.word(), try random.word(), try random.word(), try random.word())
            #expect(LedgerSignature(r: r, s: s, x: x, y: y).recoverKeyID(of: voucher, in: domain) == nil)
            #expect(LedgerSignature(r: r, vs: s).recoverKeyID(of: voucher, in: domain) != wallet.keyID)
        }
    }

    @Test func `on one curve are not valid as ones on the other`() throws {
        let wallet = try Secp256k1Key().sign(voucher, in: domain)
        let device = P256SessionKey()
        let byDevice = try device.sign(voucher, in: domain)
        let swapped = LedgerSignature(r: wallet.r, s: wallet.s, x: device.point.x, y: device.point.y)
        #expect(swapped.recoverKeyID(of: voucher, in: domain) == nil)
        let bare = LedgerSignature(r: byDevice.r, vs: byDevice.s).recoverKeyID(of: voucher, in: domain)
        #expect(bare != device.keyID)
    }

    @Test func `travel in JSON`() throws {
        let signature = try P256SessionKey().sign(voucher, in: domain)
        let json = try JSONEncoder().encode(signature)
        #expect(try JSONDecoder().decode(LedgerSignature.self, from: json) == signature)
    }

    private func flipped(_ word: Bytes32, _ bit: Int) throws -> Bytes32 {
        var bytes = word.bytes
        bytes[bit / 8] ^= 1 << UInt8(bit % 8)
        return try #require(Bytes32(bytes))
    }

    private func difference(_ left: Bytes32, _ right: Bytes32) throws -> Bytes32 {
        var bytes = left.bytes
        var borrow = 0
        for (index, subtrahend) in right.bytes.enumerated().reversed() {
            let value = Int(bytes[index]) - Int(subtrahend) - borrow
            borrow = value < 0 ? 1 : 0
            bytes[index] = UInt8(truncatingIfNeeded: value)
        }
        return try #require(Bytes32(bytes))
    }
}

@Suite struct `Keys` {
    @Test func `come back from their raw form`() throws {
        let wallet = Secp256k1Key()
        #expect(try Secp256k1Key(rawRepresentation: wallet.rawRepresentation).address == wallet.address)
        let device = P256SessionKey()
        #expect(try P256SessionKey(rawRepresentation: device.rawRepresentation).keyID == device.keyID)
    }

    @Test func `are not made of anything but a number from one to the order`() throws {
        let orders = [
            "0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141",
            "0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551",
        ].compactMap { Hex.decode($0) }
        let zeros = [UInt8](repeating: 0, count: 32)
        for bytes in [[], zeros, [UInt8](repeating: 1, count: 31), [UInt8](repeating: 1, count: 33), orders[0]] {
            #expect(throws: KeyError.notAPrivateKey) { try Secp256k1Key(rawRepresentation: bytes) }
        }
        for bytes in [[], zeros, [UInt8](repeating: 1, count: 31), [UInt8](repeating: 1, count: 33), orders[1]] {
            #expect(throws: KeyError.notAPrivateKey) { try P256SessionKey(rawRepresentation: bytes) }
        }
    }

    @Test func `do not show their secret in any description`() throws {
        let wallet = Secp256k1Key()
        let device = P256SessionKey()
        var shown = ""
        for value in [wallet, device] as [Any] {
            shown += "\(value)" + String(reflecting: value)
            dump(value, to: &shown)
        }
        for secret in [wallet.rawRepresentation, device.rawRepresentation] {
            #expect(!shown.contains(Hex.encode(secret).dropFirst(2)))
            #expect(!shown.contains("\(secret)"))
        }
        #expect(shown.contains("\(wallet.address)"))
        #expect(shown.contains("\(device.keyID)"))
    }
}
