import LatticaCore
import Logging
import Multiformats

/// Addresses that stand in the DNS.
extension LatticaHost {
    private enum Lookup: Sendable {
        case answered(DNSAddrWalk.Question, Result<[String], TXTLookupError>)
        case deadline
    }

    /// Looks up where addresses of the form `/dnsaddr/…` lead to.
    ///
    /// What has been found by the deadline counts, even if more was to come.
    func resolve(_ names: [Multiaddr]) async -> (addresses: [Multiaddr], failures: [DNSAddrError]) {
        let limits = configuration.swarm
        let bounds = DNSAddrWalk.Bounds(
            depth: limits.nameDepth,
            names: limits.namesPerDial,
            addresses: limits.addressesPerName
        )
        var walk = DNSAddrWalk(bounds)
        let (clock, timeout) = (configuration.clock, min(limits.nameTimeout, configuration.dialTimeout))
        await withTaskGroup(of: Lookup.self) { group in
            var open: Set<DNSAddrWalk.Question> = []
            func ask(_ questions: [DNSAddrWalk.Question]) {
                for question in questions {
                    open.insert(question)
                    group.addTask { .answered(question, await self.texts(of: question)) }
                }
            }
            group.addTask {
                try? await clock.sleep(for: timeout)
                return .deadline
            }
            ask(walk.start(names))
            while !open.isEmpty, let lookup = await group.next() {
                switch lookup {
                case .deadline:
                    // What is still open ends as cancelled.
                    group.cancelAll()
                case .answered(let question, .success(let texts)):
                    open.remove(question)
                    ask(walk.answered(question, with: texts))
                case .answered(let question, .failure(let error)):
                    open.remove(question)
                    walk.failed(question, error)
                }
            }
            group.cancelAll()
        }
        logger.debug("names were looked up", metadata: ["names": "\(names)", "addresses": "\(walk.found)"])
        return (walk.found, walk.failures)
    }

    private func texts(of question: DNSAddrWalk.Question) async -> Result<[String], TXTLookupError> {
        switch await lookupSlots.take() {
        case .refused: return .failure(.notAnswered("\(configuration.swarm.waitingDials) lookups wait"))
        case .cancelled: return .failure(.cancelled)
        case .granted: break
        }
        defer { lookupSlots.give() }
        do throws(TXTLookupError) {
            return .success(try await configuration.txtResolver.texts(of: question.name))
        } catch {
            return .failure(error)
        }
    }
}
