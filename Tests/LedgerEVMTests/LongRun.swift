import Foundation

/// Whether tests with chance in them try many times as much, for minutes: `LATTICE_LONG=1`.
let isLongRun = ProcessInfo.processInfo.environment["LATTICE_LONG"] != nil
