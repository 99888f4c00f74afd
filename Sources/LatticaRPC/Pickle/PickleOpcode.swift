/// The opcodes that data needs, and the names of those that are refused, as `pickletools` calls them.
enum PickleOpcode: UInt8 {
    case mark = 0x28  // (
    case emptyTuple = 0x29  // )
    case stop = 0x2e  // .
    case bytes32 = 0x42  // B
    case bytes8 = 0x43  // C
    case double = 0x47  // G
    case int32 = 0x4a  // J
    case int8 = 0x4b  // K
    case int16 = 0x4d  // M
    case none = 0x4e  // N
    case text32 = 0x58  // X
    case emptyList = 0x5d  // ]
    case append = 0x61  // a
    case appends = 0x65  // e
    case memoGet8 = 0x68  // h
    case memoGet32 = 0x6a  // j
    case memoPut8 = 0x71  // q
    case memoPut32 = 0x72  // r
    case setItem = 0x73  // s
    case tuple = 0x74  // t
    case setItems = 0x75  // u
    case emptyDict = 0x7d  // }
    case protocolVersion = 0x80
    case tuple1 = 0x85
    case tuple2 = 0x86
    case tuple3 = 0x87
    case newTrue = 0x88
    case newFalse = 0x89
    case long8 = 0x8a
    case long32 = 0x8b
    case text8 = 0x8c
    case text64 = 0x8d
    case bytes64 = 0x8e
    case emptySet = 0x8f
    case addItems = 0x90
    case frozenSet = 0x91
    case memoize = 0x94
    case frame = 0x95
    case byteArray = 0x96

    /// Opcodes that name or call something of Python's.
    static let refused: [UInt8: String] = [
        0x50: "PERSID", 0x51: "BINPERSID", 0x52: "REDUCE", 0x62: "BUILD", 0x63: "GLOBAL", 0x69: "INST", 0x6f: "OBJ",
        0x81: "NEWOBJ", 0x82: "EXT1", 0x83: "EXT2", 0x84: "EXT4", 0x92: "NEWOBJ_EX", 0x93: "STACK_GLOBAL",
    ]
}
