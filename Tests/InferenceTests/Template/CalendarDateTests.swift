import Testing

@testable import Inference

@Suite struct `Calendar date` {
    @Test(arguments: [
        (Int64(0), "1970-01-01 00:00:00 Thursday 001"), (951_782_399, "2000-02-28 23:59:59 Monday 059"),
        (951_782_400, "2000-02-29 00:00:00 Tuesday 060"), (1_795_253_472, "2026-11-21 09:31:12 Saturday 325"),
        (4_107_542_400, "2100-03-01 00:00:00 Monday 060"), (-1, "1969-12-31 23:59:59 Wednesday 365"),
    ])
    func `is right on the days where calendars go wrong`(seconds: Int64, text: String) {
        #expect(CalendarDate(secondsSinceEpoch: seconds).formatted("%Y-%m-%d %H:%M:%S %A %j") == text)
    }

    @Test func `bears any time and any pattern`() {
        for seconds in [Int64.min, .max] {
            #expect(!CalendarDate(secondsSinceEpoch: seconds).formatted("%Y").isEmpty)
        }
        #expect(CalendarDate(secondsSinceEpoch: 0).formatted("%-d %e %q %% %") == "1  1 %q % %")
    }
}
