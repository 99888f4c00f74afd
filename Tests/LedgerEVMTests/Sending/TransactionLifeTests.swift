import LatticeTesting
import Ledger
import Testing

@testable import LedgerEVM

@Suite struct `The life of a transaction` {
    typealias Life = TransactionLife

    var life = Life(nonce: 7)

    static func view(head: UInt64, finalized: UInt64 = 0, used: UInt64 = 7, final: UInt64 = 7) -> Life.View {
        Life.View(head: head, finalized: finalized, usedNonces: used, finalNonces: final)
    }

    static func mined(_ block: UInt64, _ fork: UInt64 = 0) -> Life.Mined {
        Life.Mined(
            hash: Bytes32(number: 1),
            block: block,
            blockHash: Bytes32(number: block << 8 | fork),
            succeeded: true
        )
    }

    @Test mutating func `is sent, included and final`() {
        #expect(life.handle(.answered(.taken, head: 10)) == .look)
        #expect(life.state == .sent(since: 10))
        #expect(life.handle(.looked(.waiting, Self.view(head: 10))) == .wait)
        #expect(life.handle(.looked(.mined(Self.mined(11)), Self.view(head: 11, used: 8))) == .wait)
        #expect(life.state == .included(Self.mined(11)))
        #expect(life.handle(.looked(.mined(Self.mined(11)), Self.view(head: 30, finalized: 11, used: 8))) == .wait)
        #expect(life.state == .final(Self.mined(11)))
        #expect(life.isOver)
        #expect(life.handle(.looked(.nowhere, Self.view(head: 40, finalized: 39, used: 9, final: 9))) == .wait)
    }

    @Test mutating func `looks for itself when the answer is lost, and is sent again only where nobody has it`() {
        #expect(life.handle(.answered(.none, head: 10)) == .look)
        #expect(life.handle(.looked(.nowhere, Self.view(head: 10))) == .send)
        #expect(life.handle(.answered(.none, head: 10)) == .look)
        #expect(life.handle(.looked(.mined(Self.mined(11)), Self.view(head: 11, used: 8))) == .wait)
        #expect(life.state == .included(Self.mined(11)))
    }

    @Test mutating func `that an endpoint forgets is sent again`() {
        _ = life.handle(.answered(.taken, head: 10))
        #expect(life.handle(.looked(.nowhere, Self.view(head: 11))) == .send)
        #expect(life.state == .prepared)
        #expect(life.handle(.answered(.taken, head: 11)) == .look)
        #expect(life.state == .sent(since: 10))
    }

    @Test mutating func `waits three blocks and is replaced`() {
        _ = life.handle(.answered(.taken, head: 10))
        #expect(life.handle(.looked(.waiting, Self.view(head: 12))) == .wait)
        #expect(life.handle(.looked(.waiting, Self.view(head: 13))) == .replace)
        #expect(life.handle(.replaced) == .send)
        #expect(life.handle(.answered(.taken, head: 13)) == .look)
        #expect(life.handle(.looked(.waiting, Self.view(head: 15))) == .wait)
        #expect(life.handle(.looked(.waiting, Self.view(head: 16))) == .replace)
    }

    @Test mutating func `is not replaced while it waits for the nonce before`() {
        _ = life.handle(.answered(.taken, head: 10))
        #expect(life.handle(.looked(.waiting, Self.view(head: 30, used: 6))) == .wait)
        #expect(life.handle(.looked(.waiting, Self.view(head: 30, used: 7))) == .replace)
    }

    @Test mutating func `is raised when its fees are too low`() {
        #expect(life.handle(.answered(.underpriced, head: 10)) == .replace)
        #expect(life.handle(.replaced) == .send)
    }

    @Test(arguments: [1, 3, 12] as [UInt64])
    mutating func `goes back when its block is taken away`(depth: UInt64) {
        _ = life.handle(.answered(.taken, head: 20))
        _ = life.handle(.looked(.mined(Self.mined(21)), Self.view(head: 20 + depth, used: 8)))
        #expect(
            life.handle(.looked(.nowhere, Self.view(head: 21 + depth)))
                == (depth >= 3 || depth == 12 ? .replace : .send)
        )
        #expect(life.state == .prepared)
        var again = life
        #expect(again.handle(.answered(.taken, head: 21 + depth)) == .look)
        #expect(again.handle(.looked(.mined(Self.mined(22 + depth, 1)), Self.view(head: 22 + depth, used: 8))) == .wait)
        #expect(again.state == .included(Self.mined(22 + depth, 1)))
    }

    @Test mutating func `moves to the block that took it again`() {
        _ = life.handle(.looked(.mined(Self.mined(21)), Self.view(head: 21, used: 8)))
        _ = life.handle(.looked(.mined(Self.mined(24, 1)), Self.view(head: 24, used: 8)))
        #expect(life.state == .included(Self.mined(24, 1)))
    }

    @Test mutating func `is dropped only when another used the nonce for good, as two looks at different blocks say`() {
        _ = life.handle(.answered(.nonceTooLow, head: 10))
        #expect(life.handle(.looked(.nowhere, Self.view(head: 10, used: 8, final: 7))) == .wait)
        #expect(life.handle(.looked(.nowhere, Self.view(head: 20, finalized: 11, used: 8, final: 8))) == .wait)
        #expect(life.handle(.looked(.nowhere, Self.view(head: 20, finalized: 11, used: 8, final: 8))) == .wait)
        #expect(life.state == .prepared)
        #expect(life.handle(.looked(.nowhere, Self.view(head: 21, finalized: 12, used: 8, final: 8))) == .startOver)
        #expect(life.state == .dropped)
    }

    @Test func `understands the words of several endpoints`() {
        let words: [(String, Life.SendAnswer)] = [
            ("already known", .taken), ("AlreadyKnown", .taken), ("known transaction: 0x00", .taken),
            ("nonce too low: next nonce 4, tx nonce 3", .nonceTooLow), ("OldNonce", .nonceTooLow),
            ("replacement transaction underpriced", .underpriced), ("transaction underpriced", .underpriced),
            ("max fee per gas less than block base fee", .underpriced),
            ("insufficient funds for gas * price + value: balance 0", .unaffordable), ("rlp: what", .refused),
        ]
        for (message, answer) in words {
            #expect(RPCError.refused(RPCRefusal(code: -32000, message: message)).sendAnswer == answer)
        }
        #expect(RPCError.timedOut.sendAnswer == .none)
        #expect(RPCError.refused(RPCRefusal(code: -32603, message: "internal error")).sendAnswer == .none)
    }
}

/// A chain in a few variables, which loses, forgets, delays and reorganises as chance has it.
private struct ChanceChain {
    typealias Life = TransactionLife

    struct Block {
        var fork: UInt64
        /// The nonces that it uses, with the attempts.
        var taken: [UInt64: Bytes32]
    }

    var generator: SeededGenerator
    var blocks: [Block] = [Block(fork: 0, taken: [:])]
    var pool: [UInt64: Bytes32] = [:]
    var depth: UInt64 = 12
    private var forks: UInt64 = 0

    init(seed: UInt64) { generator = SeededGenerator(seed: seed) }

    var head: UInt64 { UInt64(blocks.count - 1) }
    var finalized: UInt64 { head < depth ? 0 : head - depth }

    func used(upTo block: UInt64) -> UInt64 {
        var next: UInt64 = 0
        for block in blocks[0...Int(block)] {
            while block.taken[next] != nil { next += 1 }
        }
        return next
    }

    var view: Life.View {
        Life.View(head: head, finalized: finalized, usedNonces: used(upTo: head), finalNonces: used(upTo: finalized))
    }

    mutating func chance(_ percent: Int) -> Bool { Int.random(in: 0..<100, using: &generator) < percent }

    mutating func send(_ nonce: UInt64, _ hash: Bytes32) -> Life.SendAnswer {
        if chance(10) { return .none }
        if used(upTo: head) > nonce { return .nonceTooLow }
        if chance(10) { return .taken }  // swallowed
        if pool[nonce] == hash { return .taken }
        if pool[nonce] != nil, chance(20) { return .underpriced }
        pool[nonce] = hash
        return chance(10) ? .none : .taken
    }

    func look(_ nonce: UInt64, _ attempts: [Bytes32]) -> Life.Sighting {
        for (number, block) in blocks.enumerated() {
            if let hash = block.taken[nonce], attempts.contains(hash) {
                return .mined(
                    Life.Mined(
                        hash: hash,
                        block: UInt64(number),
                        blockHash: Bytes32(number: UInt64(number) << 32 | block.fork),
                        succeeded: true
                    )
                )
            }
        }
        return attempts.contains { pool[nonce] == $0 } ? .waiting : .nowhere
    }

    mutating func mine() {
        var taken: [UInt64: Bytes32] = [:]
        var next = used(upTo: head)
        while let hash = pool[next], !chance(15) {
            taken[next] = hash
            pool[next] = nil
            next += 1
        }
        blocks.append(Block(fork: forks, taken: taken))
    }

    mutating func reorganise() {
        let depth = min([1, 3, 12].randomElement(using: &generator) ?? 1, Int(head) - Int(finalized))
        guard depth > 0 else { return }
        forks += 1
        let isDropped = chance(50)
        for block in blocks.suffix(depth) where !isDropped { pool.merge(block.taken) { kept, _ in kept } }
        blocks.removeLast(depth)
        for _ in 0...depth { mine() }
    }
}

@Suite struct `Transactions on a chain of chance` {
    @Test(arguments: 0..<(isLongRun ? 2_000 : 200) as Range<UInt64>)
    func `are final exactly once each, whatever happens`(seed: UInt64) throws {
        var chain = ChanceChain(seed: seed)
        var lives = (0..<3).map {
            (life: TransactionLife(nonce: UInt64($0)), attempts: [Bytes32(number: UInt64($0) + 1)])
        }
        var hashes: UInt64 = 100
        for _ in 0..<2_000 where !lives.allSatisfy(\.life.isOver) {
            for index in lives.indices {
                // A process that is killed forgets everything but what is on disk.
                if chain.chance(5) {
                    let life = lives[index].life
                    lives[index].life = TransactionLife(
                        nonce: life.nonce,
                        state: life.state,
                        firstSent: life.firstSent,
                        missedSince: life.missedSince
                    )
                }
                var action = TransactionLife.Action.look
                steps: for _ in 0..<8 {
                    switch action {
                    case .wait: break steps
                    case .look:
                        let view = chain.view
                        let sighting = chain.look(lives[index].life.nonce, lives[index].attempts)
                        action = lives[index].life.handle(.looked(sighting, view))
                    case .send:
                        let answer = chain.send(lives[index].life.nonce, try #require(lives[index].attempts.last))
                        action = lives[index].life.handle(.answered(answer, head: chain.head))
                    case .replace:
                        guard lives[index].attempts.count < 10 else { break steps }
                        hashes += 1
                        lives[index].attempts.append(Bytes32(number: hashes))
                        action = lives[index].life.handle(.replaced)
                    case .startOver:
                        Issue.record("nobody else uses these nonces")
                        return
                    }
                }
            }
            chain.mine()
            if chain.chance(10) { chain.reorganise() }
        }
        for (life, attempts) in lives {
            guard case .final(let mined) = life.state else {
                Issue.record("seed \(seed): \(life.state)")
                return
            }
            let places = chain.blocks.filter { attempts.contains($0.taken[life.nonce] ?? .zero) }
            #expect(places.count == 1)
            #expect(chain.blocks[Int(mined.block)].taken[life.nonce] == mined.hash)
        }
    }
}
