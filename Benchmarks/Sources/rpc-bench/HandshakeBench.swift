import Lattica
import LatticaCore

/// Connects and disconnects: TCP, the secure channel, the multiplexer.
///
/// Each worker is a host of its own, as peers that come and go are.
struct HandshakeBench {
    private struct Tally {
        var times: [Duration] = []
        var errors = 0
    }

    private let options: Options

    init(_ options: Options) {
        self.options = options
    }

    func report() async throws -> Report {
        var hosts: [LatticaHost] = []
        for _ in 0..<options.inFlight { hosts.append(try options.host(listening: false)) }
        for host in hosts { try await host.start() }
        let address = options.peers[0]
        let clock = ContinuousClock()
        let end = clock.now + .seconds(options.seconds)
        let start = Reading(process: options.processID)
        let tally = await withTaskGroup(of: Tally.self) { group in
            for host in hosts {
                group.addTask {
                    var tally = Tally()
                    var events = host.events().makeAsyncIterator()
                    while clock.now < end {
                        let before = clock.now
                        do {
                            let peer = try await host.connect(to: address)
                            tally.times.append(clock.now - before)
                            host.disconnect(peer)
                            while let event = await events.next(), event != .disconnected(peer) {}
                        } catch {
                            if tally.errors == 0 { StandardError.print("a connection failed: \(error)") }
                            tally.errors += 1
                        }
                    }
                    return tally
                }
            }
            return await group.reduce(into: Tally()) { sum, tally in
                sum.times += tally.times
                sum.errors += tally.errors
            }
        }
        var report = Report()
        report.add(
            since: start,
            process: options.processID,
            count: tally.times.count,
            bytes: 0,
            times: tally.times,
            errors: tally.errors
        )
        for host in hosts { await host.stop() }
        return report
    }
}
