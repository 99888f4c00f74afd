public import NIOCore

/// A two-way pipe of bytes under one connection: a socket, a WebSocket, a relayed stream or a simulated wire.
///
/// Everything about it happens on its event loop.
public protocol Link: AnyObject {
    /// Where the link and its connection live.
    var loop: any EventLoop { get }

    /// `false` asks to write nothing until ``LinkReceiver/linkBecameWritable()``.
    ///
    /// A write is taken all the same.
    var isWritable: Bool { get }

    /// Sends the bytes, in the order of the calls, at the latest at the next ``flush()``.
    ///
    /// It may call back before it returns.
    func write(_ bytes: ByteBuffer)

    /// Sends what has been written and held back.
    ///
    /// It may call back before it returns.
    func flush()

    /// Ends both directions once what has been written has left.
    func close()
}

extension Link {
    /// Does nothing: what is written leaves at once.
    public func flush() {}
}

/// What a link tells; the connection above it.
public protocol LinkReceiver: AnyObject {
    /// Bytes came.
    func linkReceived(_ bytes: ByteBuffer)

    /// All that is at hand has been told: the time to answer.
    func linkReadCompleted()

    /// The link takes bytes again.
    func linkBecameWritable()

    /// The link is over; nothing more will be told.
    func linkEnded(_ reason: ConnectionError)
}
