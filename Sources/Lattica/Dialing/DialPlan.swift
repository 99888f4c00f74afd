/// Decides when each address of a peer is tried (RFC 8305, §5).
///
/// The first is tried at once; each further one a head start after the one before, or as soon as any has failed. The first
/// to connect ends the plan, which is the driver's to notice. Addresses that are still being looked up join when they are
/// found (RFC 8305, §3), behind those that are there.
struct DialPlan: Sendable {
    enum Event: Equatable {
        case started
        /// The head start of an address is over.
        case headStartOver(of: Int)
        /// An attempt failed.
        case failed(Int)
        /// So many more addresses were found, and no more will be.
        case found(Int)
    }

    enum Action: Equatable {
        /// Try the address with this index.
        case attempt(Int)
        /// Tell after the head start that it is over.
        case headStart(of: Int)
        /// All have failed.
        case giveUp
    }

    private var count: Int
    private let atOnce: Int
    private var isWaiting: Bool
    private var next = 0
    private var running: Set<Int> = []
    private var isOver = false

    /// - Parameters:
    ///   - count: how many addresses there are, the best first.
    ///   - atOnce: how many may be tried at the same time; at least one.
    ///   - isWaiting: whether others are being looked up.
    init(count: Int, atOnce: Int, isWaiting: Bool = false) {
        self.count = count
        self.isWaiting = isWaiting
        self.atOnce = max(1, atOnce)
    }

    mutating func handle(_ event: Event) -> [Action] {
        guard !isOver else { return [] }
        switch event {
        case .started:
            return startNext()
        case .headStartOver(let index):
            // A later one has been started already because something failed.
            return index == next - 1 ? startNext() : []
        case .failed(let index):
            guard running.remove(index) != nil else { return [] }
            return startNext()
        case .found(let more):
            isWaiting = false
            let isHeadStartUnderWay = next < count
            count += more
            if running.isEmpty { return startNext() }
            // The last of the others has had no head start, for there was nobody to be ahead of.
            return isHeadStartUnderWay || next == count ? [] : [.headStart(of: next - 1)]
        }
    }

    private mutating func startNext() -> [Action] {
        if next < count, running.count < atOnce {
            let index = next
            next += 1
            running.insert(index)
            return next < count ? [.attempt(index), .headStart(of: index)] : [.attempt(index)]
        }
        guard next == count, running.isEmpty, !isWaiting else { return [] }
        isOver = true
        return [.giveUp]
    }
}
