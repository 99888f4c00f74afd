import NIOCore

extension SocketLayers {
    /// These layers, and above them the cipher of a private network, which comes before all that libp2p says.
    ///
    /// - Parameter key: `nil` for a host that belongs to no private network.
    func protected(by key: PreSharedKey?) -> SocketLayers {
        guard let key else { return self }
        return SocketLayers { [add] channel, isDialer in
            (add?(channel, isDialer) ?? channel.eventLoop.makeSucceededVoidFuture()).flatMapThrowing {
                try channel.pipeline.syncOperations.addHandler(PrivateNetworkProtector(key: key))
            }
        }
    }
}
