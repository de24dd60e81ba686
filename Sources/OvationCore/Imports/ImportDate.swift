/// Reads the many forms of dates that a file can have. Times of day and time zones are disregarded: the written day counts.
///
/// - `2013-02-08`, with or without a time; `2013-02`: the first of the month
/// - `2013-W06-5`, `2013W065`, `2013-W06`, `2013W06`: a week of ISO 8601, on its Monday if it has no day
/// - `2013-039`: a day of the year
/// - `Tue, 07 Mar 1993 04:22:23 +0300`, with or without the name of the day and the time: RFC 2822
/// - digits only: seconds since 1970
public enum ImportDate {
    /// Days since 1970-01-01. nil: it is no date of the years 0 to 9999.
    public static func days(_ cell: String) -> Int64? {
        let text = String(cell.trimmingSpaces)
        if let seconds = seconds(digits: text) { return seconds.flooredDivision(by: 86_400).quotient }
        var reader = DateReader(text)
        return reader.isoDate() ?? reader.mailDate()
    }

    /// Seconds since 1970: the digits as they are, or midnight of the day, in UTC.
    public static func seconds(_ cell: String) -> Int64? {
        seconds(digits: String(cell.trimmingSpaces)) ?? days(cell).map { $0 * 86_400 }
    }

    /// `YYYY-MM-DD`.
    public static func text(_ cell: String) -> String? {
        days(cell).map { days in
            String(Timestamp(milliseconds: days * 86_400_000).rfc3339.prefix(10))
        }
    }

    private static func seconds(digits text: String) -> Int64? {
        let digits = text.hasPrefix("-") ? text.dropFirst() : text[...]
        guard !digits.isEmpty, digits.utf8.allSatisfy({ $0 &- 48 <= 9 }), let seconds = Int64(text),
            seconds.magnitude <= UInt64(Limits.attributeSecondsMax), Timestamp.fourDigitYears.contains(seconds * 1000)
        else { return nil }
        return seconds
    }
}

/// Reads dates from text.
private struct DateReader {
    private let bytes: [UInt8]
    private var position = 0

    init(_ text: String) { bytes = Array(text.utf8) }

    private var isAtEnd: Bool { position == bytes.count }

    private mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    /// Exactly so many digits.
    private mutating func number(_ count: Int) -> Int64? {
        guard position + count <= bytes.count, bytes[position..<(position + count)].allSatisfy({ $0 &- 48 <= 9 })
        else { return nil }
        defer { position += count }
        return bytes[position..<(position + count)].reduce(0) { $0 * 10 + Int64($1 - 48) }
    }

    private var digitsAhead: Int { bytes[position...].prefix { $0 &- 48 <= 9 }.count }

    /// A time may stand behind a day; it is not looked at.
    private func isTime(behind days: Int64?) -> Int64? {
        guard !isAtEnd else { return days }
        let mark = bytes[position]
        let isMark = mark == UInt8(ascii: "T") || mark == UInt8(ascii: "t") || mark == UInt8(ascii: " ")
        return isMark && position + 1 < bytes.count && bytes[position + 1] &- 48 <= 9 ? days : nil
    }

    // MARK: ISO 8601

    mutating func isoDate() -> Int64? {
        position = 0
        guard let year = number(4) else { return nil }
        let hasDash = take("-")
        if take("W") || take("w") {
            let days = week(of: year, hasDash: hasDash)
            return isTime(behind: days)
        }
        guard hasDash else { return nil }
        if digitsAhead == 3 {
            let length: Int64 = Timestamp.daysInMonth(2, of: year) == 29 ? 366 : 365
            guard let day = number(3), (1...length).contains(day) else { return nil }
            return isTime(behind: Timestamp.daysSinceEpoch(year: year, month: 1, day: 1) + day - 1)
        }
        guard let month = number(2), (1...12).contains(month) else { return nil }
        guard take("-") else { return isAtEnd ? Timestamp.daysSinceEpoch(year: year, month: month, day: 1) : nil }
        guard let day = number(2) else { return nil }
        return isTime(behind: DateReader.days(year, month, day))
    }

    private mutating func week(of year: Int64, hasDash: Bool) -> Int64? {
        guard let week = number(2), week >= 1 else { return nil }
        var day: Int64 = 1
        if hasDash ? take("-") : digitsAhead > 0 {
            guard let given = number(1), (1...7).contains(given) else { return nil }
            day = given
        }
        // The week of 4 January is the first. Day 0 of 1970 was a Thursday.
        let fourth = Timestamp.daysSinceEpoch(year: year, month: 1, day: 4)
        let monday = fourth - (fourth + 3).flooredDivision(by: 7).remainder
        let start = monday + (week - 1) * 7
        // Its Thursday is in the year, so there is such a week.
        guard Timestamp.date(daysSinceEpoch: start + 3).year == year else { return nil }
        return start + day - 1
    }

    // MARK: RFC 2822

    mutating func mailDate() -> Int64? {
        position = 0
        if let comma = bytes.firstIndex(of: UInt8(ascii: ",")) {
            let name = String(decoding: bytes[..<comma], as: UTF8.self).lowercased()
            guard DateReader.weekdays.contains(name) else { return nil }
            position = comma + 1
            while take(" ") {}
        }
        guard (1...2).contains(digitsAhead), let day = number(digitsAhead), take(" "), position + 3 <= bytes.count
        else { return nil }
        let name = String(decoding: bytes[position..<(position + 3)], as: UTF8.self).lowercased()
        guard let month = DateReader.months.firstIndex(of: name) else { return nil }
        position += 3
        guard take(" "), digitsAhead == 4, let year = number(4) else { return nil }
        return isTime(behind: DateReader.days(year, Int64(month) + 1, day))
    }

    private static let weekdays = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
    private static let months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]

    private static func days(_ year: Int64, _ month: Int64, _ day: Int64) -> Int64? {
        guard (1...12).contains(month), day >= 1, day <= Timestamp.daysInMonth(month, of: year) else { return nil }
        return Timestamp.daysSinceEpoch(year: year, month: month, day: day)
    }
}
