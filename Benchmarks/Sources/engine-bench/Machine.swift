import Foundation
import Glibc

/// How fast the machine reads memory, which bounds how fast weights can be read.
enum MemoryRead {
    /// Bytes a second that `threads` threads read from buffers beyond every cache, the best of a few passes.
    static func bytesPerSecond(threads: Int) -> Double {
        let bytes = 512 << 20
        let buffers = (0..<threads).map { _ in [SIMD16<UInt32>](repeating: .one, count: bytes / 64) }
        var best = 0.0
        for _ in 0..<5 {
            let start = ContinuousClock.now
            DispatchQueue.concurrentPerform(iterations: threads) { number in
                let sum = buffers[number].reduce(SIMD16<UInt32>.zero, &+)
                precondition(sum[0] == UInt32(bytes / 64), "every lane was read")
            }
            best = max(best, Double(bytes * threads) / (start.duration(to: .now) / .seconds(1)))
        }
        return best
    }
}

/// What the system says of this process.
enum ProcessMemory {
    /// The most bytes of it that were in RAM.
    static var residentPeak: Int {
        var usage = rusage()
        unsafe getrusage(RUSAGE_SELF.rawValue, &usage)
        return usage.ru_maxrss << 10
    }
}
