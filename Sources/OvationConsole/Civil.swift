/// Days and minutes of the calendar, counted from 1970 in UTC.
enum Civil {
    static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// - Parameter date: `2026-11-23`, with anything after it.
    static func day(of date: some StringProtocol) -> Int? {
        let parts = date.prefix(10).split(separator: "-").compactMap { Int($0) }
        guard parts.count == 3, (1...12).contains(parts[1]), (1...31).contains(parts[2]) else { return nil }
        // Years that begin in March put the leap day last.
        let year = parts[1] > 2 ? parts[0] : parts[0] - 1
        let dayOfYear = (153 * (parts[1] + (parts[1] > 2 ? -3 : 9)) + 2) / 5 + parts[2] - 1
        return year * 365 + year / 4 - year / 100 + year / 400 + dayOfYear - 719_468
    }

    /// 0 is Monday.
    static func weekday(ofDay day: Int) -> Int { ((day + 3) % 7 + 7) % 7 }

    /// - Returns: `2026-11-23`
    static func date(ofDay day: Int) -> String {
        let shifted = day + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
        return "\(year)-\(twoDigits(month))-\(twoDigits(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1))"
    }

    /// The start of a minute, some minutes after another; nil where `iso` is no time.
    static func moment(_ iso: String, plusMinutes minutes: Int) -> Moment? {
        let time = iso.dropFirst(11).prefix(5).split(separator: ":").compactMap { Int($0) }
        guard let day = day(of: iso), time.count == 2 else { return nil }
        let minute = day * 1440 + time[0] * 60 + time[1] + minutes
        let clock = "\(twoDigits(minute % 1440 / 60)):\(twoDigits(minute % 60))"
        return Moment(iso: "\(date(ofDay: minute / 1440))T\(clock):00.000Z")
    }

    private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
