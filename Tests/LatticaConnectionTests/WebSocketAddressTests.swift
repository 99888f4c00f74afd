import Multiformats
import Testing

@testable import LatticaConnection

@Suite struct `WebSocket address` {
    @Test(arguments: [
        ("/ip4/192.0.2.1/tcp/1234/ws", "192.0.2.1:1234", false, nil),
        ("/ip4/192.0.2.1/tcp/1234/wss", "192.0.2.1:1234", true, nil),
        ("/ip6/::1/tcp/1234/tls/ws", "[::1]:1234", true, nil),
        ("/ip4/192.0.2.1/tcp/1234/tls/sni/example.com/ws", "example.com:1234", true, "example.com"),
        ("/dns4/example.com/tcp/8443/tls/ws", "example.com:8443", true, "example.com"),
        ("/dns/example.com/wss", "example.com:443", true, "example.com"),
        ("/dns6/example.com/ws", "example.com:80", false, "example.com"),
    ]) func `is understood in all its forms`(text: String, authority: String, isSecure: Bool, name: String?) throws {
        let peer = "/p2p/12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv"
        for text in [text, text + peer] {
            let endpoint = try #require(try Multiaddr(text).webSocketEndpoint)
            #expect(endpoint.authority == authority)
            #expect(endpoint.isSecure == isSecure)
            #expect(endpoint.verifiedName == name)
        }
    }

    @Test(arguments: [
        "/ip4/192.0.2.1/tcp/1234", "/ip4/192.0.2.1/udp/1234/ws", "/ip4/192.0.2.1/tcp/1234/tls",
        "/ip4/192.0.2.1/tcp/1234/ws/ws", "/ip4/192.0.2.1/tcp/1234/tls/wss", "/ws", "/memory/1/ws",
        "/ip4/192.0.2.1/tcp/1234/tls/sni/a/wss", "/ip4/192.0.2.1/tcp/1/tcp/2/ws",
        "/ip4/192.0.2.1/tcp/1234/ws/p2p/12D3KooWM6CgA9iBFZmcYAHA6A2qvbAxqfkmrYiRQuz3XEsk4Ksv/p2p-circuit",
    ]) func `is not one that leads elsewhere`(text: String) throws {
        #expect(try Multiaddr(text).webSocketEndpoint == nil)
    }

    @Test func `keeps its layers when the port is known`() throws {
        #expect(try Multiaddr("/ip4/127.0.0.1/tcp/0/tls/ws").webSocketLayers == [.tls, .ws])
        #expect(try Multiaddr("/ip4/127.0.0.1/tcp/0/wss").webSocketLayers == [.wss])
    }
}
