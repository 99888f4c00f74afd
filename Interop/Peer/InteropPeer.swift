import Lattica
import LatticaCore
import LatticaProtocols
import Logging
import Multiformats
import NIOCore

/// A peer of ours for tests against other implementations; what it sees is printed as JSON, one object per line.
///
/// usage: interop-peer [--listen ADDR]… [--dial ADDR]… [--protocol VERSION] [--ping N] [--stream TEXT] [--seconds S]
@main
struct InteropPeer {
    static func main() async {
        var options = Options()
        do {
            options = try Options(CommandLine.arguments.dropFirst())
            try await run(options)
        } catch {
            say("error", "\"\(error)\"")
        }
    }

    struct Options {
        var listen: [Multiaddr] = []
        var dial: [Multiaddr] = []
        var version = LatticaConfiguration.defaultProtocolVersion
        var pings = 0
        var text: String?
        var seconds = 30.0
        var isVerbose = false

        init() {}

        init(_ arguments: some Sequence<String>) throws {
            var arguments = arguments.makeIterator()
            while let name = arguments.next() {
                if name == "--verbose" {
                    isVerbose = true
                    continue
                }
                guard let value = arguments.next() else { throw Usage.missingValue(name) }
                switch name {
                case "--listen": listen.append(try Multiaddr(value))
                case "--dial": dial.append(try Multiaddr(value))
                case "--protocol": version = value
                case "--ping": pings = Int(value) ?? 0
                case "--stream": text = value
                case "--seconds": seconds = Double(value) ?? 0
                default: throw Usage.unknown(name)
                }
            }
        }
    }

    enum Usage: Error {
        case missingValue(String), unknown(String)
    }

    static func run(_ options: Options) async throws {
        var logger = Logger(label: "interop-peer", factory: StreamLogHandler.standardError(label:))
        logger.logLevel = options.isVerbose ? .trace : .warning
        let host = LatticaHost(
            configuration: LatticaConfiguration(
                listen: options.listen,
                protocolVersion: options.version,
                logger: logger
            )
        )
        host.handle("/echo/1") { stream in
            say("stream_from", "\"\(stream.remotePeer)\"")
            do {
                while let bytes = try await stream.read() { try await stream.write(bytes) }
                try await stream.closeWrite()
            } catch {
                say("echo_ended", "\"\(error)\"")
            }
        }
        let events = host.events()
        try await host.start()
        print(
            #"{"peer": "\#(host.peerID)", "listen": [\#(host.dialableAddresses.map { "\"\($0)\"" }.joined(separator: ", "))]}"#
        )
        flush()
        await withTaskGroup(of: Void.self) { group in
            group.addTask {
                for await event in events {
                    switch event {
                    case .connected(let peer): say("connected", "\"\(peer)\"")
                    case .disconnected(let peer): say("disconnected", "\"\(peer)\"")
                    }
                }
            }
            group.addTask {
                for address in options.dial {
                    do {
                        let start = ContinuousClock.now
                        let peer = try await host.connect(to: address)
                        say("dialled_ms", milliseconds(ContinuousClock.now - start))
                        await use(peer, of: host, options)
                    } catch {
                        say("error", "\"\(String(describing: error).filter { $0 != "\"" })\"")
                    }
                }
            }
            group.addTask { await tellIdentities(of: host) }
            try? await Task.sleep(for: .seconds(options.seconds))
            await host.stop()
            group.cancelAll()
        }
    }

    static func use(_ peer: PeerID, of host: LatticaHost, _ options: Options) async {
        do {
            var times: [String] = []
            for _ in 0..<options.pings { times.append(milliseconds(try await host.ping(peer))) }
            if !times.isEmpty { say("ping_ms", "[\(times.joined(separator: ", "))]") }
            if let text = options.text {
                let stream = try await host.openStream(to: peer, protocols: ["/echo/2", "/echo/1"])
                try await stream.write(ByteBuffer(string: text))
                var reply = ""
                while reply.utf8.count < text.utf8.count, let part = try await stream.read() {
                    reply += String(buffer: part)
                }
                try await stream.closeWrite()
                say("stream", "\"\(reply)\"")
            }
        } catch {
            say("error", "\"\(String(describing: error).filter { $0 != "\"" })\"")
        }
    }

    static func tellIdentities(of host: LatticaHost) async {
        var told: Set<PeerID> = []
        while !Task.isCancelled {
            for peer in host.connectedPeers {
                guard !told.contains(peer), let identity = host.identity(of: peer) else { continue }
                told.insert(peer)
                let protocols = identity.protocols.map { "\"\($0)\"" }.joined(separator: ", ")
                say(
                    "identify",
                    """
                    {"peer": "\(peer)", "agent": "\(identity.agentVersion ?? "")", \
                    "version": "\(identity.protocolVersion ?? "")", \
                    "protocols": [\(protocols)], "observed": "\(identity.observedAddress?.description ?? "")"}
                    """
                )
            }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    static func milliseconds(_ duration: Duration) -> String {
        let (seconds, attoseconds) = duration.components
        return "\(Double(seconds) * 1000 + Double(attoseconds / 1_000_000_000_000) / 1000)"
    }

    static func say(_ name: String, _ value: String) {
        print("{\"\(name)\": \(value)}")
        flush()
    }
}
