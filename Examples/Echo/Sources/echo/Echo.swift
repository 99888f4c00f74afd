import Lattica

/// A peer that answers, or asks another.
///
///     echo serve [ADDRESS]         prints the address to call
///     echo call ADDRESS TEXT       says the text, then has it spelled
@main struct EchoPeer {
    static func main() async throws {
        let arguments = CommandLine.arguments.dropFirst()
        switch (arguments.first, arguments.count) {
        case ("serve", 1...2): try await serve(at: arguments.count == 2 ? arguments[2] : "/ip4/127.0.0.1/tcp/0")
        case ("call", 3): try await call(arguments[2], text: arguments[3])
        default: print("usage: echo serve [ADDRESS] | echo call ADDRESS TEXT")
        }
    }

    static func serve(at address: String) async throws {
        let host = LatticaHost(configuration: LatticaConfiguration(listen: [try Multiaddr(address)]))
        let server = RPCServer(host: host)
        server.add(EchoService())
        try await host.start()
        for address in host.dialableAddresses { print(address) }
        // Until the process is stopped.
        for await event in host.events() { print(event) }
    }

    static func call(_ address: String, text: String) async throws {
        let host = LatticaHost(configuration: LatticaConfiguration())
        try await host.start()
        let peer = try await host.connect(to: Multiaddr(address))

        let client = RPCClient(host: host)
        print(try await client.call(Echo.say, text, on: peer, deadline: .seconds(5)))
        for try await letter in try await client.stream(Echo.spell, text, on: peer, deadline: .seconds(5)) {
            print(letter)
        }
        await host.stop()
    }
}
