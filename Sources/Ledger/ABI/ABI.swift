/// The binary interface of contracts: how calls, answers and events are written as bytes.
public enum ABI {
    /// The first four bytes of keccak256 of a function's signature, such as `transfer(address,uint256)`.
    public static func selector(_ signature: String) -> [UInt8] {
        Array(eventTopic(signature).bytes.prefix(4))
    }

    /// keccak256 of an event's signature, such as `Transfer(address,address,uint256)`.
    public static func eventTopic(_ signature: String) -> Bytes32 {
        Keccak256.hash(Array(signature.utf8))
    }

    /// The encoding of `values`, as `abi.encode` writes its arguments.
    public static func encode(_ values: [ABIValue]) -> [UInt8] {
        var bytes: [UInt8] = []
        append(values, to: &bytes)
        return bytes
    }

    /// Heads first, then what stands behind them in the same order; offsets count from the first head.
    private static func append(_ values: [ABIValue], to bytes: inout [UInt8]) {
        let start = bytes.count
        var offsets: [(place: Int, value: ABIValue)] = []
        for value in values {
            if value.isDynamic {
                offsets.append((bytes.count, value))
                bytes.append(contentsOf: repeatElement(0, count: 32))
            } else {
                appendContent(value, to: &bytes)
            }
        }
        for (place, value) in offsets {
            var offset = UInt64(bytes.count - start)
            for index in stride(from: place + 31, through: place + 24, by: -1) {
                bytes[index] = UInt8(truncatingIfNeeded: offset)
                offset >>= 8
            }
            appendContent(value, to: &bytes)
        }
    }

    private static func appendContent(_ value: ABIValue, to bytes: inout [UInt8]) {
        switch value {
        case .uint(let number): Bytes32(number: number).append(to: &bytes)
        case .uint256(let word), .bytes32(let word): word.append(to: &bytes)
        case .bool(let isTrue): Bytes32(number: isTrue ? 1 : 0).append(to: &bytes)
        case .address(let address): address.word.append(to: &bytes)
        case .fixedBytes(let content): appendPadded(content.prefix(32), to: &bytes)
        case .bytes(let content): appendCounted(content, to: &bytes)
        case .string(let text): appendCounted(Array(text.utf8), to: &bytes)
        case .array(let values):
            Bytes32(number: UInt64(values.count)).append(to: &bytes)
            append(values, to: &bytes)
        case .tuple(let values): append(values, to: &bytes)
        }
    }

    private static func appendCounted(_ content: [UInt8], to bytes: inout [UInt8]) {
        Bytes32(number: UInt64(content.count)).append(to: &bytes)
        appendPadded(content[...], to: &bytes)
    }

    private static func appendPadded(_ content: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: content)
        bytes.append(contentsOf: repeatElement(0, count: (32 - content.count % 32) % 32))
    }
}
