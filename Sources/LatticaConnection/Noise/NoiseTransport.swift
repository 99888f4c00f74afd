import FoundationEssentials
import NIOCore

/// The bytes of a secured connection: each message behind its length of two bytes (libp2p specs, noise, "Wire format").
struct NoiseTransport: Sendable {
    /// The longest message that its length can tell.
    static let longestMessage = 65535

    /// What fits into one message beside its tag.
    static let mostPlaintext = longestMessage - NoiseCipherState.tagSize

    private var sending: NoiseCipherState
    private var receiving: NoiseCipherState
    /// The beginning of a message whose rest has not come.
    private var partial = ByteBuffer()

    init(sending: NoiseCipherState, receiving: NoiseCipherState) {
        self.sending = sending
        self.receiving = receiving
    }

    /// Encrypts everything in the plaintext, in as few messages as it takes, and appends them to the output.
    mutating func seal(_ plaintext: inout ByteBuffer, into output: inout ByteBuffer) throws(NoiseError) {
        let messages = (plaintext.readableBytes + Self.mostPlaintext - 1) / Self.mostPlaintext
        output.reserveCapacity(
            minimumWritableBytes: plaintext.readableBytes + messages * (NoiseCipherState.tagSize + 2)
        )
        while plaintext.readableBytes > 0 {
            let count = min(plaintext.readableBytes, Self.mostPlaintext)
            output.writeInteger(UInt16(count + NoiseCipherState.tagSize))
            let sealed = unsafe plaintext.withUnsafeReadableBytes { bytes in
                Result { () throws(NoiseError) in
                    try unsafe sending.seal(UnsafeRawBufferPointer(rebasing: bytes[..<count]), into: &output)
                }
            }
            try sealed.get()
            plaintext.moveReaderIndex(forwardBy: count)
        }
    }

    /// Encrypts the plaintext in place of itself.
    mutating func seal(_ plaintext: inout ByteBuffer) throws(NoiseError) {
        var sealed = ByteBuffer()
        try seal(&plaintext, into: &sealed)
        plaintext = sealed
    }

    /// Decrypts what came and appends what it says to the plaintext; the beginning of a message is kept until its rest
    /// comes.
    ///
    /// Only a message that is cut is copied, not all that comes with it.
    mutating func receive(_ bytes: ByteBuffer, into plaintext: inout ByteBuffer) throws(NoiseError) {
        var bytes = bytes
        plaintext.reserveCapacity(minimumWritableBytes: partial.readableBytes + bytes.readableBytes)
        while partial.readableBytes > 0, bytes.readableBytes > 0 {
            if var part = bytes.readSlice(length: min(Self.missing(in: partial), bytes.readableBytes)) {
                partial.writeBuffer(&part)
            }
            guard Self.missing(in: partial) == 0 else { continue }
            var message = partial
            partial = ByteBuffer()
            try open(&message, into: &plaintext)
        }
        try open(&bytes, into: &plaintext)
        guard bytes.readableBytes > 0 else { return }
        partial.reserveCapacity(bytes.readableBytes + Self.missing(in: bytes))
        partial.writeBuffer(&bytes)
    }

    /// How many bytes follow until the length, or else the message, is whole.
    private static func missing(in message: ByteBuffer) -> Int {
        guard let length = message.getInteger(at: message.readerIndex, as: UInt16.self) else {
            return 2 - message.readableBytes
        }
        return 2 + Int(length) - message.readableBytes
    }

    /// Decrypts the whole messages in the input and appends what they say to the plaintext; the beginning of another
    /// stays in the input.
    mutating func open(_ input: inout ByteBuffer, into plaintext: inout ByteBuffer) throws(NoiseError) {
        while let length = input.getInteger(at: input.readerIndex, as: UInt16.self).map(Int.init) {
            guard input.readableBytes >= 2 + length else { return }
            input.moveReaderIndex(forwardBy: 2)
            let opened = unsafe input.withUnsafeReadableBytes { bytes in
                Result { () throws(NoiseError) in
                    try unsafe receiving.open(UnsafeRawBufferPointer(rebasing: bytes[..<length]))
                }
            }
            plaintext.writeBytes(try opened.get())
            input.moveReaderIndex(forwardBy: length)
        }
    }
}
