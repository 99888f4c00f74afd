#if canImport(Glibc)
import Glibc
#else
import Darwin
#endif

/// The system's calls under names that methods do not hide.
func systemWrite(_ file: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    while true {
        let count = unsafe write(file, bytes.baseAddress, bytes.count)
        if count >= 0 || errno != EINTR { return count }
    }
}

func systemClose(_ file: CInt) {
    // What could fail has been written before.
    _ = close(file)
}
