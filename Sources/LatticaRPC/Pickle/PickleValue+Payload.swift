public import NIOCore

extension PickleValue {
    /// Reads a pickle as data.
    public init(pickle: ByteBuffer, limits: PickleLimits = PickleLimits()) throws(PickleError) {
        var reader = PickleReader(pickle, limits: limits)
        self = try reader.value()
    }

    /// The value as a pickle that Python's `pickle.loads` takes.
    public func pickle(limits: PickleLimits = PickleLimits()) throws(PickleError) -> ByteBuffer {
        var writer = PickleWriter(limits: limits)
        try writer.pickle(self)
        return writer.buffer
    }

    /// Reads what Lattica's Python puts into a call: nothing for `None`, a pickle for all else (Lattica wire, §14).
    public init(payload: ByteBuffer, limits: PickleLimits = PickleLimits()) throws(PickleError) {
        self = payload.readableBytes == 0 ? .none : try PickleValue(pickle: payload, limits: limits)
    }

    /// What Lattica's Python takes as this value in a call.
    public func payload(limits: PickleLimits = PickleLimits()) throws(PickleError) -> ByteBuffer {
        self == .none ? ByteBuffer() : try pickle(limits: limits)
    }
}
