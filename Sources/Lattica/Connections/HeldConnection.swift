import LatticaConnection
import LatticaCore
import NIOConcurrencyHelpers

/// A connection of the host, with what the host knows of its use.
final class HeldConnection: Sendable {
    let connection: Connection
    private let streams = NIOLockedValueBox(OpenStreams())

    init(_ connection: Connection) {
        self.connection = connection
    }

    /// Opens a stream.
    ///
    /// - Parameter isHousekeeping: the stream does not make the connection worth keeping.
    /// - Returns: `nil` when the connection takes no more.
    func openStream(
        _ protocols: [ProtocolID],
        isHousekeeping: Bool = false
    ) async throws(DialError) -> (any MuxedStream)? {
        do {
            let stream = try await connection.openStream(protocols)
            if !isHousekeeping { _ = streams.withLockedValue { $0.add(stream as AnyObject) } }
            return stream
        } catch {
            switch error {
            case .connectionOver:
                connection.close()
                return nil
            case .limitReached(let limit): throw .limitReached(limit)
            case .notSupported: throw .protocolsNotSupported(protocols.map(\.name))
            case .timedOut: throw .timedOut
            }
        }
    }

    /// Streams that were opened here and are still held.
    var streamCount: Int { streams.withLockedValue { $0.held() }.count }
}
