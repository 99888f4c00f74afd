import Lattica
import LatticaCore
import Multiformats
import Testing

@Suite struct `Connection gate` {
    @Test func `denying wins over allowing, for peers and networks`() throws {
        let (one, other) = (Keypair().peerID, Keypair().peerID)
        var gate = ConnectionGate()
        #expect(gate.allows(one))
        gate.allowedPeers = [one, other]
        gate.deniedPeers = [other]
        #expect(gate.allows(one))
        #expect(!gate.allows(other))
        #expect(!gate.allows(Keypair().peerID))
        gate.allowedNetworks = [try #require(IPNetwork("10.0.0.0/8"))]
        gate.deniedNetworks = [try #require(IPNetwork("10.9.0.0/16"))]
        #expect(gate.allows(try Multiaddr("/ip4/10.1.2.3/tcp/1")))
        #expect(!gate.allows(try Multiaddr("/ip4/10.9.2.3/tcp/1")))
        #expect(!gate.allows(try Multiaddr("/ip4/11.1.2.3/tcp/1")))
        #expect(!gate.allows(try Multiaddr("/ip6/::ffff:10.9.0.1/tcp/1")))
        #expect(gate.allows(try Multiaddr("/dns4/a.example/tcp/1")))
    }

    @Test(arguments: [
        ("0.0.0.0/0", "/ip4/9.9.9.9/tcp/1", true), ("10.0.0.0/8", "/ip4/10.255.0.1/tcp/1", true),
        ("10.0.0.0/8", "/ip4/11.0.0.1/tcp/1", false), ("1.2.3.4", "/ip4/1.2.3.4/tcp/1", true),
        ("1.2.3.4", "/ip4/1.2.3.5/tcp/1", false), ("fc00::/7", "/ip6/fd00::1/tcp/1", true),
        ("fc00::/7", "/ip6/2001:db8::1/tcp/1", false), ("::/0", "/ip4/1.1.1.1/tcp/1", false),
    ])
    func `a network has the addresses that share its prefix`(network: String, address: String, isIn: Bool) throws {
        let gate = ConnectionGate(allowedNetworks: [try #require(IPNetwork(network))])
        #expect(gate.allows(try Multiaddr(address)) == isIn)
    }

    @Test(arguments: ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "10.0.0/8", "::/129", "a", "1.1.1.1/2/3", "/8"])
    func `what is no network is refused`(text: String) {
        #expect(IPNetwork(text) == nil)
    }

    @Test func `a network prints what reads as it`() {
        for text in ["10.0.0.0/8", "1.2.3.4/32", "fc00::/7", "0.0.0.0/0"] {
            #expect(IPNetwork(text)?.description == text)
        }
        #expect(IPNetwork("10.1.2.3/8")?.description == "10.0.0.0/8")
    }
}
