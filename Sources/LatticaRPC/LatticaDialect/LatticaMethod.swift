import LatticaCore

/// Names of methods, `Service/method` here and `Service.method` there, with exactly one dot.
extension RPCMethod {
    /// The method that the package calls so; `nil` if the name has not the form.
    init?(latticaName name: String) {
        let parts = name.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, name.utf8.count <= Self.maximumLength else { return nil }
        self.init("\(parts[0])/\(parts[1])")
    }

    /// What the package calls the method; `nil` if it cannot name it, because a dot is in it.
    var latticaName: String? {
        let parts = name.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, !name.utf8.contains(UInt8(ascii: ".")) else { return nil }
        return "\(parts[0]).\(parts[1])"
    }

    /// What stands before the slash.
    var service: Substring { name.prefix { $0 != "/" } }

    /// What stands behind the slash.
    var member: Substring { name.drop { $0 != "/" }.dropFirst() }
}

/// The words of the package's server, which its clients know.
enum LatticaText {
    static let invalidMethod = "Invalid method format"
    static let tooManyCalls = "too many calls are under way"

    static func unknownService(_ name: Substring) -> String { "Service \(name) not found" }

    static func notDecompressed(_ error: CompressionError) -> String { "Failed to decompress request data: \(error)" }

    /// What a unary call that failed is answered.
    static func unaryFailure(_ status: RPCStatus, of method: RPCMethod) -> String {
        isUnknown(method, status)
            ? "Method _handle_\(method.member) not found"
            : "Handler execution failed: RuntimeError: RPC method \(method.member) failed: \(status.message)"
    }

    /// What another call that failed is answered.
    static func streamFailure(_ status: RPCStatus, of method: RPCMethod) -> String {
        isUnknown(method, status)
            ? "Stream method _handle_stream_\(method.member) not found"
            : "Failed to handle stream: RuntimeError: Stream method \(method.member) failed: \(status.message)"
    }

    /// Whether nobody serves the method, told from a handler that answers `unimplemented` by itself.
    private static func isUnknown(_ method: RPCMethod, _ status: RPCStatus) -> Bool {
        status == .unimplemented(method)
    }

    /// The error that a text from the package's server stands for.
    static func error(_ text: String) -> RPCError {
        let isUnimplemented =
            text == invalidMethod
            || text.hasSuffix(" not found")
                && ["Service ", "Method _handle_", "Stream method _handle_"].contains { text.hasPrefix($0) }
        let code: RPCCode =
            isUnimplemented ? .unimplemented : text == tooManyCalls ? .resourceExhausted : .unknown
        return .failed(code: code, message: text)
    }
}
