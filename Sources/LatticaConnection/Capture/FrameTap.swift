import NIOCore

/// Shows the frames of one connection to a capture.
struct FrameTap {
    let capture: FrameCapture
    let connection: UInt64
    let loop: any EventLoop

    /// - Parameter following: what is at hand behind the header; the payload may be longer, or not all there.
    func received(_ header: YamuxHeader, _ following: ByteBuffer) {
        capture.record(header, following, isReceived: true, connection: connection, at: loop.now)
    }

    func sent(_ header: YamuxHeader, _ payload: ByteBuffer?) {
        capture.record(header, payload ?? ByteBuffer(), isReceived: false, connection: connection, at: loop.now)
    }
}
