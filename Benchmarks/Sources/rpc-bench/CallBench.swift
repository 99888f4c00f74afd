import Lattica
import LatticaCore
import LatticaRPC
import NIOCore

/// Keeps a number of calls in flight on one connection for a while.
struct CallBench {
    /// The piece in which a long upload is sent.
    private static let pieceLength = 1 << 20
    private static let deadline: Duration = .seconds(30)

    private struct Tally {
        var times: [Duration] = []
        var errors = 0
    }

    private let options: Options

    init(_ options: Options) {
        self.options = options
    }

    func report() async throws -> Report {
        let host = try options.host(listening: false)
        try await host.start()
        let peer = try await host.connect(to: options.peers[0])
        let client = RPCClient(host: host, limits: options.limits)
        let call = exchange(with: client, peer)
        // The first call pays for what is made once.
        try await call()
        let start = Reading(process: options.processID)
        let tally = await keepCalling(on: host.executor(for: peer), call)
        var report = Report()
        report.add(
            since: start,
            process: options.processID,
            count: tally.times.count,
            bytes: options.size * (options.reply == .echo ? 2 : 1),
            times: tally.times,
            errors: tally.errors
        )
        await host.stop()
        return report
    }

    private func keepCalling(
        on executor: (any TaskExecutor)?,
        _ call: @escaping @Sendable () async throws -> Void
    ) async -> Tally {
        let clock = ContinuousClock()
        let end = clock.now + .seconds(options.seconds)
        return await withTaskGroup(of: Tally.self) { group in
            for _ in 0..<options.inFlight {
                group.addTask(executorPreference: executor) {
                    var tally = Tally()
                    var now = clock.now
                    while now < end {
                        do {
                            try await call()
                            let after = clock.now
                            tally.times.append(after - now)
                            now = after
                        } catch {
                            if tally.errors == 0 { StandardError.print("a call failed: \(error)") }
                            tally.errors += 1
                            now = clock.now
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
    }

    private struct WrongAnswer: Error {}

    /// One call of the kind asked for, whose answer is checked by its length.
    private func exchange(with client: RPCClient, _ peer: PeerID) -> @Sendable () async throws -> Void {
        let method =
            switch (options.kind == .unary, options.reply) {
            case (true, .echo): EchoServer.echo
            case (true, .size): EchoServer.size
            case (false, .echo): EchoServer.streamEcho
            case (false, .size): EchoServer.streamSize
            }
        let request = ByteBuffer(repeating: 7, count: options.size)
        let expected = options.reply == .echo ? options.size : "\(options.size)".utf8.count
        switch options.kind {
        case .stream, .upload:
            return {
                let call = try await client.open(method, on: peer, deadline: Self.deadline)
                var rest = request
                while let piece = rest.readSlice(length: min(rest.readableBytes, Self.pieceLength)),
                    piece.readableBytes > 0
                {
                    try await call.send(piece)
                }
                try await call.finish()
                guard try await call.receiveBuffer()?.readableBytes == expected, try await call.receiveBuffer() == nil
                else { throw WrongAnswer() }
            }
        case .unary, .handshake, .idle:
            return {
                let reply = try await client.call(method, on: peer, request: request, deadline: Self.deadline)
                guard reply.readableBytes == expected else { throw WrongAnswer() }
            }
        }
    }
}
