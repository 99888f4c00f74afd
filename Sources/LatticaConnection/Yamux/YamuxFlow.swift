import NIOCore

/// What a yamux session knows of one stream.
///
/// A class, so that a frame finds it once and changes it in place.
final class YamuxFlow {
    let id: UInt32
    let isOutbound: Bool

    /// What this side may still send.
    var sendWindow = YamuxLimits.initialWindow
    /// What the peer may still send.
    var receiveWindow = ReceiveWindow()
    var unread = ByteQueue()
    /// SYN or ACK, due on the next frame of the stream, whatever it is.
    var dueFlags: YamuxHeader.Flags
    var isAcknowledged: Bool
    var hasSentEnd = false
    var hasReceivedEnd = false
    var isReset = false
    /// Counts against the limit on streams.
    var isLive = true

    init(id: UInt32, isOutbound: Bool) {
        self.id = id
        self.isOutbound = isOutbound
        dueFlags = isOutbound ? .syn : .ack
        isAcknowledged = !isOutbound
    }

    var isOver: Bool { (isReset || hasSentEnd && hasReceivedEnd) && unread.count == 0 }
}
