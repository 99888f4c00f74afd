import NIOConcurrencyHelpers
import NIOPosix

/// Asks the name servers of this machine, or others.
///
/// Answers that are too long for a datagram are asked for again over TCP. Nothing is kept: names are asked seldom, and the machine's
/// own server remembers. Nothing proves that an answer is true either; what makes a dial safe is the id of the peer in the address.
public struct DNSResolver: TXTResolver {
    private let servers: [NameServer]

    /// - Parameter servers: whom to ask, in this order; none asks those that the system names.
    public init(servers: [NameServer] = []) {
        self.servers = servers
    }

    /// The threads that wait for answers.
    ///
    /// A lookup holds one while it lasts. They are shared by all hosts of the process, and apart from those that read files, which an
    /// absent name server must not hold up.
    private static let threads: NIOThreadPool = {
        let threads = NIOThreadPool(numberOfThreads: 4)
        threads.start()
        return threads
    }()

    /// The TXT records of a name.
    ///
    /// Every server is asked up to three times, for seven seconds together. Cancelling the task ends the lookup within a twentieth of a
    /// second.
    public func texts(of name: String) async throws(TXTLookupError) -> [String] {
        guard Self.isName(name) else { throw .invalidName }
        let servers = servers
        let isCancelled = NIOLockedValueBox(false)
        let outcome = await withTaskCancellationHandler {
            do {
                return try await Self.threads.runIfActive {
                    AresLookup.texts(of: name, from: servers) { isCancelled.withLockedValue { $0 } }
                }
            } catch {
                // It was cancelled while it waited for a thread.
                return .failure(.cancelled)
            }
        } onCancel: {
            isCancelled.withLockedValue { $0 = true }
        }
        return try outcome.get()
    }

    /// Whether the DNS can hold the name: labels of letters, digits, `-` and `_` (RFC 1035, §2.3.4).
    ///
    /// The library would take more, and give backslashes and zero bytes a meaning of their own.
    private static func isName(_ name: String) -> Bool {
        // 255 on the wire, with a length before each label and the root behind the last.
        guard name.utf8.count <= 253 else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.count)
                && label.allSatisfy { byte in
                    switch byte {
                    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"): true
                    case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"): true
                    default: false
                    }
                }
        }
    }
}
