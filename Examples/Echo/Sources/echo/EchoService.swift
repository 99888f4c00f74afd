import Lattica

/// What an echo can be asked for; both sides know it.
enum Echo {
    static let say = RPCUnaryMethod<String, String>("Echo/say")
    static let spell = RPCServerStreamMethod<String, String>("Echo/spell")
}

/// Answers for an echo.
struct EchoService: RPCService {
    func register(on server: RPCServer) {
        server.register(Echo.say) { text, context in
            "\(text), said \(context.peer)"
        }
        server.register(Echo.spell) { word, _ in
            AsyncStream { letters in
                for letter in word { letters.yield(String(letter)) }
                letters.finish()
            }
        }
    }
}
