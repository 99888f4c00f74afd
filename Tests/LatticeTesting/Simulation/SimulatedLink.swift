import LatticaConnection
import NIOCore

/// One end of a simulated connection.
final class SimulatedLink: Link {
    /// Bytes on their way at which the writer is asked to wait, and at which it may go on.
    private static let full = 512 * 1024
    private static let low = 128 * 1024

    /// The longest that TCP waits before it sends again.
    private static let longestRetry: Duration = .seconds(60)

    var loop: any EventLoop { machine.loop }

    private let machine: SimulatedMachine
    private let remote: SimulatedMachine
    private weak var other: SimulatedLink?
    private var receiver: (any LinkReceiver)?

    private enum Packet {
        case bytes(ByteBuffer)
        case end(ConnectionError)
    }

    /// What this end has sent and the other has not received.
    private var underway = CircularBuffer<(due: NIODeadline, packet: Packet)>()
    private var underwayBytes = 0
    private var lineFreeAt: NIODeadline
    private var lastDue: NIODeadline
    private var retry = SimulatedNetwork.retransmission
    private var isDelivering = false
    private var isClosed = false
    private var isFull = false

    private init(machine: SimulatedMachine, remote: SimulatedMachine) {
        self.machine = machine
        self.remote = remote
        lineFreeAt = machine.loop.now
        lastDue = lineFreeAt
    }

    static func pair(_ one: SimulatedMachine, _ other: SimulatedMachine) -> (SimulatedLink, SimulatedLink) {
        let left = SimulatedLink(machine: one, remote: other)
        let right = SimulatedLink(machine: other, remote: one)
        left.other = right
        right.other = left
        one.add(left)
        other.add(right)
        return (left, right)
    }

    /// Who is told; from then on bytes may come.
    func attach(_ receiver: any LinkReceiver) {
        self.receiver = receiver
    }

    // MARK: - The link

    var isWritable: Bool { !isFull && !isClosed }

    func write(_ bytes: ByteBuffer) {
        guard !isClosed, bytes.readableBytes > 0 else { return }
        underwayBytes += bytes.readableBytes
        if underwayBytes >= Self.full { isFull = true }
        send(.bytes(bytes), count: bytes.readableBytes)
    }

    func close() {
        finish(.closedByPeer)
    }

    /// The machine has died: the other end is told by its system, this end's host is no more.
    func die() {
        let receiver = receiver
        finish(.transport("connection reset by peer"))
        receiver?.linkEnded(.transport("the machine is down"))
    }

    private func finish(_ reason: ConnectionError) {
        guard !isClosed else { return }
        isClosed = true
        receiver = nil
        machine.remove(self)
        send(.end(reason), count: 0)
    }

    // MARK: - On the way

    private func send(_ packet: Packet, count: Int) {
        let now = machine.loop.now
        let quality = machine.network.quality(machine, remote)
        var departure = max(now, lineFreeAt)
        if let bandwidth = quality.bandwidth, machine !== remote {
            departure = departure + .nanoseconds(Int64(count) * 1_000_000_000 / Int64(max(1, bandwidth)))
        }
        lineFreeAt = departure
        let delay = machine.network.delay(machine, remote, bytes: count)
        // Never before what was sent before.
        lastDue = max(lastDue, departure + TimeAmount(delay))
        underway.append((lastDue, packet))
        deliverLater()
    }

    private func deliverLater() {
        guard !isDelivering, let first = underway.first else { return }
        isDelivering = true
        let link = NIOLoopBound(self, eventLoop: loop)
        machine.loop.scheduleTask(deadline: first.due) { link.value.deliver() }
    }

    private func deliver() {
        isDelivering = false
        let now = machine.loop.now
        guard machine.network.isReachable(machine, remote) else {
            // Nothing arrives and nothing is acknowledged; it is sent again, less and less often.
            underway[underway.startIndex].due = now + TimeAmount(retry)
            retry = min(retry * 2, Self.longestRetry)
            return deliverLater()
        }
        retry = SimulatedNetwork.retransmission
        var hasRead = false
        while let first = underway.first, first.due <= now {
            underway.removeFirst()
            guard let other else { continue }
            switch first.packet {
            case .bytes(let bytes):
                underwayBytes -= bytes.readableBytes
                other.receiver?.linkReceived(bytes)
                hasRead = true
            case .end(let reason):
                if hasRead { other.receiver?.linkReadCompleted() }
                hasRead = false
                other.lose(reason)
            }
        }
        if hasRead { other?.receiver?.linkReadCompleted() }
        if isFull, underwayBytes <= Self.low {
            isFull = false
            receiver?.linkBecameWritable()
        }
        deliverLater()
    }

    /// The other end has closed.
    private func lose(_ reason: ConnectionError) {
        guard !isClosed else { return }
        isClosed = true
        machine.remove(self)
        let receiver = receiver
        self.receiver = nil
        receiver?.linkEnded(reason)
    }
}
