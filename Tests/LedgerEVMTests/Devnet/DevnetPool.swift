/// Devnets that tests use one after the other, since each takes seconds to start.
actor DevnetPool {
    static let shared = DevnetPool()

    private var idle: [[String]: [Devnet]] = [:]

    /// Runs a test with a devnet that mines each transaction and has no faults; its chain is as others left it.
    ///
    /// After a test that failed the devnet is not used again.
    func borrow(_ arguments: [String], _ body: @Sendable (Devnet) async throws -> Void) async throws {
        let devnet: Devnet
        if let free = idle[arguments]?.popLast() { devnet = free } else { devnet = try await Self.start(arguments) }
        do {
            try await body(devnet)
            try await devnet.clearFaults()
            try await devnet.tell("devnet_dropPool")
            try await devnet.setAutomine(true)
        } catch {
            devnet.stop()
            throw error
        }
        idle[arguments, default: []].append(devnet)
    }

    @concurrent
    private static func start(_ arguments: [String]) async throws -> Devnet { try Devnet.start(arguments) }
}
