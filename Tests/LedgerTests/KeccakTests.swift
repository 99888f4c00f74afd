import Ledger
import Testing

@Suite struct `Keccak` {
    @Test func `hashes nothing`() {
        #expect(
            Keccak256.hash([]).description == "0xc5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
        )
    }
}
