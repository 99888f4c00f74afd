import NIOCore

/// The twelve bytes in front of every yamux frame (hashicorp/yamux, spec.md; libp2p specs, yamux).
struct YamuxHeader: Equatable {
    enum Kind: UInt8 {
        case data = 0
        case windowUpdate = 1
        case ping = 2
        case goAway = 3
    }

    struct Flags: OptionSet, Hashable {
        let rawValue: UInt16

        /// Opens a stream; on a ping, asks for the answer.
        static let syn = Self(rawValue: 1)
        /// Accepts a stream; on a ping, is the answer.
        static let ack = Self(rawValue: 2)
        /// The sender will write no more.
        static let fin = Self(rawValue: 4)
        /// Ends the stream at once.
        static let rst = Self(rawValue: 8)
    }

    static let size = 12

    var kind: Kind
    var flags: Flags = []
    /// The stream, or 0 for the session itself.
    var stream: UInt32
    /// The bytes that follow a data frame, the credit of a window update, the value of a ping, or the code of a go-away.
    var length: UInt32

    init(kind: Kind, flags: Flags = [], stream: UInt32, length: UInt32) {
        self.kind = kind
        self.flags = flags
        self.stream = stream
        self.length = length
    }

    /// Takes a header off the input; `nil`, and nothing taken, while bytes are missing.
    init?(reading input: inout ByteBuffer) throws(YamuxError) {
        guard input.readableBytes >= Self.size,
            let (version, type, flags, stream, length) = input.readMultipleIntegers(
                as: (UInt8, UInt8, UInt16, UInt32, UInt32).self
            )
        else { return nil }
        guard version == 0 else { throw .unsupportedVersion(version) }
        guard let kind = Kind(rawValue: type) else { throw .unknownType(type) }
        self.init(kind: kind, flags: Flags(rawValue: flags), stream: stream, length: length)
    }

    func write(to output: inout ByteBuffer) {
        output.writeMultipleIntegers(UInt8(0), kind.rawValue, flags.rawValue, stream, length)
    }
}

/// Why a yamux session cannot go on.
public enum YamuxError: Error, Hashable {
    /// A frame of another version of the protocol.
    case unsupportedVersion(UInt8)
    /// A frame of a type that the protocol does not have.
    case unknownType(UInt8)
    /// A data frame longer than this host takes.
    case frameTooLong(declared: Int, limit: Int)
    /// More bytes than the window of the stream allows.
    case windowExceeded(stream: UInt32)
    /// More credit than a window can hold.
    case windowOverflow(stream: UInt32)
    /// A stream opened under a number that is not the peer's to give, or is in use.
    case invalidStreamID(UInt32)
    /// The peer asks for answers and does not read them.
    case answersNotRead(limit: Int)
}

/// Why no stream could be opened on a session.
public enum YamuxRefusal: Error, Hashable {
    /// As many streams as the limit are open.
    case tooManyStreams(limit: Int)
    /// The peer has not accepted as many of this side's streams as the limit.
    case tooManyUnacknowledged(limit: Int)
    /// One of the sides has said that it will go away.
    case goingAway
    /// All numbers for streams are used up.
    case streamIDsExhausted
}
