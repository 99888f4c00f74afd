import Ledger

/// A digest of a table that follows every change at the cost of the changed rows.
///
/// It is the sum, modulo 2^256, of the hashes of all rows, so that their order does not matter.
///
/// It shows accidents, and whatever is done with a few rows: to hit a given sum with those is as hard as to invert the hash.
/// It does not protect from someone who writes the file and fills a table with rows of their choice: among tens of thousands
/// of them, rows that add up to a given sum are found in far less than 2^128 steps (Wagner's generalised birthday attack:
/// 2^16 rows take some 2^31 hashes). So what is held against it when a ledger is opened is a quick check. The full one is
/// ``EmbeddedLedger/verify(path:publicKey:progress:)``, which compares every row with what the commands give and believes
/// no sum.
struct TableDigest: Hashable, Sendable {
    private var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

    init() {}

    init?(_ bytes: [UInt8]) {
        guard bytes.count == 32 else { return nil }
        words = (Self.word(bytes, 0), Self.word(bytes, 8), Self.word(bytes, 16), Self.word(bytes, 24))
    }

    mutating func add(_ row: [Cell], of table: String) {
        let other = Self.hash(row, of: table)
        var carry: UInt64 = 0
        words.3 = Self.sum(words.3, other.words.3, &carry)
        words.2 = Self.sum(words.2, other.words.2, &carry)
        words.1 = Self.sum(words.1, other.words.1, &carry)
        words.0 = Self.sum(words.0, other.words.0, &carry)
    }

    mutating func remove(_ row: [Cell], of table: String) {
        let other = Self.hash(row, of: table)
        var borrow: UInt64 = 0
        words.3 = Self.difference(words.3, other.words.3, &borrow)
        words.2 = Self.difference(words.2, other.words.2, &borrow)
        words.1 = Self.difference(words.1, other.words.1, &borrow)
        words.0 = Self.difference(words.0, other.words.0, &borrow)
    }

    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        for word in [words.0, words.1, words.2, words.3] { bytes.append(bigEndian: word) }
        return bytes
    }

    static func == (left: TableDigest, right: TableDigest) -> Bool { left.words == right.words }

    func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.3)
    }

    private static func hash(_ row: [Cell], of table: String) -> TableDigest {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        Cell.text(table).append(to: &bytes)
        for cell in row { cell.append(to: &bytes) }
        return TableDigest(Keccak256.hash(bytes).bytes) ?? TableDigest()
    }

    private static func word(_ bytes: [UInt8], _ offset: Int) -> UInt64 {
        bytes[offset..<offset + 8].reduce(0) { $0 << 8 | UInt64($1) }
    }

    private static func sum(_ left: UInt64, _ right: UInt64, _ carry: inout UInt64) -> UInt64 {
        let (first, overflow) = left.addingReportingOverflow(right)
        let (second, again) = first.addingReportingOverflow(carry)
        carry = overflow || again ? 1 : 0
        return second
    }

    private static func difference(_ left: UInt64, _ right: UInt64, _ borrow: inout UInt64) -> UInt64 {
        let (first, overflow) = left.subtractingReportingOverflow(right)
        let (second, again) = first.subtractingReportingOverflow(borrow)
        borrow = overflow || again ? 1 : 0
        return second
    }
}

/// A block's hash with the digests of all tables after it, signed by the cluster.
///
/// It is what an auditor takes home, and what the tables are held against when the ledger is opened.
struct Checkpoint: Hashable, Sendable {
    var number: UInt64
    var hash: Bytes32
    var digests = Dictionary(uniqueKeysWithValues: LedgerState.tables.map { ($0.name, TableDigest()) })

    /// The digests in the order of the tables.
    var digestBytes: [UInt8] {
        LedgerState.tables.flatMap { (digests[$0.name] ?? TableDigest()).bytes }
    }

    /// What the cluster signs.
    var signingBytes: [UInt8] {
        var keccak = Keccak256()
        keccak.update(Array("Lattice checkpoint".utf8))
        keccak.update(Bytes32(number: number))
        keccak.update(hash)
        keccak.update(digestBytes)
        return keccak.finalize().bytes
    }

    init(number: UInt64, hash: Bytes32) {
        self.number = number
        self.hash = hash
    }

    init?(number: UInt64, hash: Bytes32, digestBytes: [UInt8]) {
        self.init(number: number, hash: hash)
        guard digestBytes.count == LedgerState.tables.count * 32 else { return nil }
        for (index, table) in LedgerState.tables.enumerated() {
            digests[table.name] = TableDigest(Array(digestBytes[index * 32..<index * 32 + 32]))
        }
    }

    mutating func apply(_ change: RowChange) {
        if let before = change.before { digests[change.table, default: TableDigest()].remove(before, of: change.table) }
        if let after = change.after { digests[change.table, default: TableDigest()].add(after, of: change.table) }
    }
}
