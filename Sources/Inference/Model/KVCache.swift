internal import InferenceKernels

/// Keys and values of one conversation, for the layers of one transformer, as 32-bit floats.
///
/// Grows in pages of 64 positions and never beyond its capacity. Belongs to one thread at a time.
final class KVCache {
    /// The number of layers in a page.
    let layers: Int
    /// The largest number of positions.
    let capacity: Int
    /// The number of positions that are filled.
    private(set) var count = 0

    private let pageFloats: Int
    private var pages: [AlignedMemory] = []

    /// An empty cache of up to `capacity` positions for `transformer`.
    init(for transformer: Transformer, capacity: Int) {
        var shape = transformer.shape.kernelShape
        layers = transformer.layers.count
        pageFloats = unsafe ik_page_floats(&shape) * transformer.layers.count
        self.capacity = capacity
    }

    /// The bytes in use.
    var size: Int { pages.count * pageFloats * MemoryLayout<Float>.stride }

    /// Makes `positions` more positions count, with memory for them.
    func grow(by positions: Int) throws(ModelError) {
        precondition(count + positions <= capacity, "\(count) + \(positions) of \(capacity) positions")
        let pagePositions = Int(IK_PAGE_POSITIONS)
        while pages.count * pagePositions < count + positions {
            pages.append(try AlignedMemory(floats: pageFloats))
        }
        count += positions
    }

    /// Calls `body` with the addresses of the pages.
    func withPages(_ body: (UnsafePointer<UnsafeMutablePointer<Float>?>?) -> Void) {
        let addresses = unsafe pages.map { page -> UnsafeMutablePointer<Float>? in unsafe page.floats }
        unsafe addresses.withUnsafeBufferPointer { unsafe body($0.baseAddress) }
    }
}
