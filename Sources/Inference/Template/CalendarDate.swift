/// A date and time of day in UTC, for templates that tell the model what day it is.
struct CalendarDate: Hashable, Sendable {
    var year: Int
    var month: Int
    var day: Int
    var hour: Int
    var minute: Int
    var second: Int
    /// 0 is Sunday.
    var weekday: Int
    /// 1 is the first of January.
    var dayOfYear: Int

    /// The date of a time, by the proleptic Gregorian calendar, after Howard Hinnant.
    init(secondsSinceEpoch: Int64) {
        // Ten thousand years either way keep the arithmetic far from overflow.
        let seconds = min(max(Int(secondsSinceEpoch), -315_576_000_000), 315_576_000_000)
        let days = (seconds >= 0 ? seconds : seconds - 86_399) / 86_400
        let time = seconds - days * 86_400
        (hour, minute, second) = (time / 3_600, time / 60 % 60, time % 60)
        weekday = ((days % 7) + 11) % 7
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayFromMarch = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayFromMarch + 2) / 153
        day = dayFromMarch - (153 * monthFromMarch + 2) / 5 + 1
        month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        let daysBefore = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334]
        dayOfYear = daysBefore[month - 1] + day + (isLeap && month > 2 ? 1 : 0)
    }

    /// The date by a pattern of C's `strftime`, in English; a letter it does not know stays as it is.
    func formatted(_ pattern: String) -> String {
        var result = ""
        var scalars = pattern.unicodeScalars.makeIterator()
        while let scalar = scalars.next() {
            guard scalar == "%" else {
                result.unicodeScalars.append(scalar)
                continue
            }
            var letter = scalars.next()
            // GNU's minus leaves out the padding.
            let isPadded = letter != "-"
            if !isPadded { letter = scalars.next() }
            guard let letter else { return result + "%" }
            result += field(letter, isPadded: isPadded) ?? "%\(letter)"
        }
        return result
    }

    private func field(_ letter: Unicode.Scalar, isPadded: Bool) -> String? {
        func padded(_ number: Int, _ digits: Int = 2) -> String {
            let text = String(number)
            return isPadded ? String(repeating: "0", count: max(0, digits - text.utf8.count)) + text : text
        }
        let hour12 = (hour + 11) % 12 + 1
        return switch letter {
        case "Y": String(year)
        case "y": padded(((year % 100) + 100) % 100)
        case "m": padded(month)
        case "d": padded(day)
        case "e": isPadded && day < 10 ? " \(day)" : "\(day)"
        case "j": padded(dayOfYear, 3)
        case "H": padded(hour)
        case "I": padded(hour12)
        case "M": padded(minute)
        case "S": padded(second)
        case "p": hour < 12 ? "AM" : "PM"
        case "B": Self.months[month - 1]
        case "b", "h": String(Self.months[month - 1].prefix(3))
        case "A": Self.weekdays[weekday]
        case "a": String(Self.weekdays[weekday].prefix(3))
        case "F": "\(year)-\(padded(month))-\(padded(day))"
        case "T": "\(padded(hour)):\(padded(minute)):\(padded(second))"
        case "Z": "UTC"
        case "z": "+0000"
        case "%": "%"
        default: nil
        }
    }

    private static let months = [
        "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
        "December",
    ]
    private static let weekdays = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]
}
