import LedgerEVM
import Testing

@Suite struct `Recursive length prefix` {
    @Test func `an empty list is one byte`() {
        #expect(RLP.list([]).encoded() == [0xc0])
    }
}
