public import LatticaConnection
public import LatticaCore
public import Multiformats
import NIOConcurrencyHelpers
import NIOCore

/// Carries connections over a ``SimulatedNetwork``, at addresses of the form `/ip4/10.…/tcp/PORT`.
public struct SimulatedTransport: Transport {
    private let machine: SimulatedMachine
    private let settings: ConnectionSettings

    init(machine: SimulatedMachine, settings: ConnectionSettings) {
        self.machine = machine
        self.settings = settings
    }

    /// Whether the address is of version 4 and plain TCP.
    public func canDial(_ address: Multiaddr) -> Bool { Endpoint(address) != nil }

    /// Whether the address is of version 4 and plain TCP.
    public func canListen(at address: Multiaddr) -> Bool { Endpoint(address) != nil }

    /// Connects as TCP does: refused at once where nobody listens, and in vain for as long as it is tried where nothing answers.
    public func dial(_ address: Multiaddr, expecting peer: PeerID?) async throws(ConnectionError) -> Connection {
        guard let target = Endpoint(address) else { throw .addressNotSupported("\(address)") }
        let attempt = DialAttempt(machine: machine, settings: settings)
        let outcome = await withTaskCancellationHandler {
            await withCheckedContinuation { task in
                machine.loop.run {
                    attempt.begin(target, address: address, expecting: peer ?? address.peerID, task)
                }
            }
        } onCancel: {
            machine.loop.run { attempt.end(.failure(.closed)) }
        }
        return try outcome.get()
    }

    /// Listens on the machine.
    public func listen(at address: Multiaddr) async throws(ListenError) -> any Listener {
        guard let target = Endpoint(address) else { throw .addressNotSupported("\(address)") }
        guard target.address == machine.address || target.address.isUnspecified else {
            throw .cannotListen("\(address)", reason: "the machine has another address")
        }
        let (machine, settings) = (machine, settings)
        let port: Result<UInt16, ListenError> = await withCheckedContinuation { task in
            machine.loop.run {
                task.resume(
                    returning: Result { () throws(ListenError) in try machine.bind(target.port, settings) }
                )
            }
        }
        return SimulatedListener(machine: machine, port: try port.get())
    }
}

/// A port of a simulated machine.
private struct SimulatedListener: Listener {
    let machine: SimulatedMachine
    let port: UInt16

    var address: Multiaddr { machine.listenAddress(port: port) }

    func close() async {
        await withCheckedContinuation { task in
            machine.loop.run {
                machine.unbind(port)
                task.resume()
            }
        }
    }
}

/// One attempt to connect, from the first packet until the connection is ready.
///
/// `@unchecked Sendable`: touched on the loop alone.
private final class DialAttempt: @unchecked Sendable {
    typealias Outcome = Result<Connection, ConnectionError>

    private let machine: SimulatedMachine
    private let settings: ConnectionSettings
    private var task: CheckedContinuation<Outcome, Never>?
    private var early: Outcome?
    private var link: SimulatedLink?

    init(machine: SimulatedMachine, settings: ConnectionSettings) {
        self.machine = machine
        self.settings = settings
    }

    func begin(
        _ target: Endpoint,
        address: Multiaddr,
        expecting peer: PeerID?,
        _ task: CheckedContinuation<Outcome, Never>
    ) {
        if let early { return task.resume(returning: early) }
        self.task = task
        let loop = machine.loop
        guard machine.isUp else { return end(.failure(.transport("the machine is down"))) }
        let port = machine.sourcePort()
        let source = machine.send(from: port, to: target)
        loop.scheduleTask(in: TimeAmount(settings.limits.upgradeTimeout)) { self.end(.failure(.timedOut)) }
        knock(target, from: source, wait: .seconds(1)) { settings, remote in
            self.connect(remote, settings, source, address, peer)
        }
    }

    func end(_ outcome: Outcome) {
        // The deadline of an attempt that has ended says nothing.
        guard early == nil else { return }
        early = outcome
        let task = task
        self.task = nil
        if case .failure = outcome {
            link?.close()
            link = nil
        }
        task?.resume(returning: outcome)
    }

    /// Sends the first packet, and again after a while when nothing has come back, as TCP does.
    private func knock(
        _ target: Endpoint,
        from source: Endpoint,
        wait: Duration,
        _ opened: @escaping @Sendable (ConnectionSettings, SimulatedMachine) -> Void
    ) {
        guard early == nil, task != nil else { return }
        let (loop, network, machine) = (machine.loop, machine.network, machine)
        @Sendable func again() {
            loop.scheduleTask(in: TimeAmount(wait)) { self.knock(target, from: source, wait: wait * 2, opened) }
        }
        guard let remote = network.machine(at: target.address), network.isReachable(machine, remote) else {
            return again()
        }
        loop.scheduleTask(in: TimeAmount(network.delay(machine, remote))) {
            switch remote.receive(at: target.port, from: source) {
            case .silence:
                again()
            case .refused:
                loop.scheduleTask(in: TimeAmount(network.delay(remote, machine))) {
                    self.end(.failure(.transport("connection refused")))
                }
            case .accepted(let settings):
                opened(settings, remote)
            }
        }
    }

    /// The other machine has accepted; on its side the connection begins, on this one once its answer has come back.
    private func connect(
        _ remote: SimulatedMachine,
        _ accepting: ConnectionSettings,
        _ source: Endpoint,
        _ address: Multiaddr,
        _ peer: PeerID?
    ) {
        guard task != nil, machine.isUp else { return }
        let (near, far) = SimulatedLink.pair(machine, remote)
        link = near
        do throws(ConnectionError) {
            let (receiver, _) = try Connection.over(
                far,
                isDialer: false,
                settings: accepting,
                remoteAddress: source.multiaddr,
                expecting: nil
            )
            far.attach(receiver)
        } catch {
            far.close()
        }
        let delay = machine.network.delay(remote, machine)
        let bound = NIOLoopBound(near, eventLoop: machine.loop)
        machine.loop.scheduleTask(in: TimeAmount(delay)) {
            guard self.task != nil else { return }
            do throws(ConnectionError) {
                let (receiver, connection) = try Connection.over(
                    bound.value,
                    isDialer: true,
                    settings: self.settings,
                    remoteAddress: address.withoutPeerID,
                    expecting: peer
                )
                bound.value.attach(receiver)
                connection.whenComplete { result in
                    self.end(result.mapError { $0 as? ConnectionError ?? .transport(String(describing: $0)) })
                }
            } catch {
                self.end(.failure(error))
            }
        }
    }
}

extension Endpoint {
    init?(_ address: Multiaddr) {
        guard let endpoint = address.tcpEndpoint, case .ip4(let host) = endpoint.host else { return nil }
        self.init(address: host, port: endpoint.port)
    }
}

extension SimulatedLoop {
    /// Does the work at once when already on the loop.
    func run(_ work: @escaping @Sendable () -> Void) {
        if inEventLoop { work() } else { execute(work) }
    }
}
