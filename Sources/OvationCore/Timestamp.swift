/// A moment, kept to the millisecond as the wire shows it: `2021-01-07T12:17:56.054Z`.
///
/// Parsing and printing are done by hand, because a formatter costs more than the rest of a request.
public struct Timestamp: Hashable, Comparable, Sendable {
    /// Milliseconds since 1970-01-01T00:00:00Z; negative before.
    public let milliseconds: Int64

    public init(milliseconds: Int64) {
        self.milliseconds = milliseconds
    }

    public static func < (left: Timestamp, right: Timestamp) -> Bool {
        left.milliseconds < right.milliseconds
    }

    public func advanced(by duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        return Timestamp(milliseconds: milliseconds + seconds * 1000 + attoseconds / 1_000_000_000_000_000)
    }
}

// MARK: - RFC 3339

extension Timestamp {
    /// Reads RFC 3339 `date-time`: `Z` or an offset, with or without a fraction of a second.
    ///
    /// Digits after the third of the fraction are cut, not rounded, so that a moment never moves to the next
    /// second. A leap second (`:60`) is taken as the last millisecond before it.
    /// - Returns: nil when the text is no such date.
    public init?(rfc3339 text: some StringProtocol) {
        var copy = String(text)
        let parsed = copy.withUTF8 { Timestamp(rfc3339: $0) }
        guard let parsed else { return nil }
        self = parsed
    }

    public init?(rfc3339 bytes: UnsafeBufferPointer<UInt8>) {
        if bytes.count == 24, let start = bytes.baseAddress, let usual = Timestamp(usual: start) {
            self = usual
            return
        }
        guard bytes.count >= 20, bytes.count <= 64 else { return nil }
        var reader = DigitReader(bytes: bytes)
        guard let year = reader.digits(4), reader.take("-"),
            let month = reader.digits(2), reader.take("-"),
            let day = reader.digits(2), reader.take("T") || reader.take("t") || reader.take(" "),
            let hour = reader.digits(2), reader.take(":"),
            let minute = reader.digits(2), reader.take(":"),
            let second = reader.digits(2)
        else { return nil }
        guard (1...12).contains(month), day >= 1, day <= Timestamp.daysInMonth(month, of: year),
            hour <= 23, minute <= 59, second <= 60
        else { return nil }

        var fraction: Int64 = 0
        if reader.take(".") {
            guard let milliseconds = reader.fraction() else { return nil }
            fraction = milliseconds
        }
        guard let offset = reader.offsetMinutes(), reader.isAtEnd else { return nil }

        let days = Timestamp.daysSinceEpoch(year: year, month: month, day: day)
        let minutes = days * 1440 + hour * 60 + minute - offset
        let milliseconds = (minutes * 60 + min(second, 59)) * 1000 + (second == 60 ? 999 : fraction)
        // An offset can carry the first and the last day out of the four-digit years.
        guard Timestamp.fourDigitYears.contains(milliseconds) else { return nil }
        self.milliseconds = milliseconds
    }

    /// Nearly all times come as programs print them, `2020-10-14T09:43:34.471Z`: three words of eight bytes, checked and
    /// turned into numbers whole. nil for everything else, right or wrong.
    private init?(usual start: UnsafePointer<UInt8>) {
        let raw = UnsafeRawPointer(start)
        @inline(__always)
        func word(_ offset: Int, like expected: UInt64) -> UInt64? {
            // Exclusive or leaves 0 to 9 where the template has a digit, and 0 where it has a mark; sums with those
            // that reach the highest bit betray everything else.
            let ones: UInt64 = 0x0101_0101_0101_0101
            let word = raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self).littleEndian ^ expected
            // A template's digits are zeros, 0x30, and of its marks none has both of these bits.
            let isDigit = (expected >> 4 & expected >> 5) & ~(expected >> 6 | expected >> 3) & ones
            let reach = (isDigit &* 0x76) | ((ones & ~isDigit) &* 0x7F)
            let sums = (word & (ones &* 0x7F)) &+ reach
            guard (word | sums) & (ones &* 0x80) == 0 else { return nil }
            // Each byte with the one behind it, as a number of two digits.
            return word &* 10 &+ word >> 8
        }
        // "0000-00-", "00T00:00" and ":00.000Z", the first byte lowest.
        guard let date = word(0, like: 0x2D30_302D_3030_3030), let hours = word(8, like: 0x3030_3A30_3054_3030),
            let seconds = word(16, like: 0x5A30_3030_2E30_303A)
        else { return nil }
        func two(_ word: UInt64, _ place: UInt64) -> Int64 { Int64(word >> (place * 8) & 0xFF) }
        let year = two(date, 0) * 100 + two(date, 2)
        let (month, day) = (two(date, 5), two(hours, 0))
        let (hour, minute, second) = (two(hours, 3), two(hours, 6), two(seconds, 1))
        guard (1...12).contains(month), day >= 1, day <= Timestamp.daysInMonth(month, of: year),
            hour <= 23, minute <= 59, second <= 59
        else { return nil }
        let fraction = two(seconds, 4) * 10 + Int64(start[22] - 48)
        let minutes = Timestamp.daysSinceEpoch(year: year, month: month, day: day) * 1440 + hour * 60 + minute
        milliseconds = (minutes * 60 + second) * 1000 + fraction
    }

    /// From 0000-01-01T00:00:00.000Z to 9999-12-31T23:59:59.999Z: what the text form can hold.
    static let fourDigitYears: ClosedRange<Int64> = -62_167_219_200_000...253_402_300_799_999

    /// `2021-01-07T12:17:56.054Z`: always three digits of fraction, always UTC.
    public var rfc3339: String {
        String(unsafeUninitializedCapacity: 32) { buffer in
            var bytes = [UInt8]()
            bytes.reserveCapacity(24)
            append(to: &bytes)
            _ = buffer.initialize(from: bytes)
            return bytes.count
        }
    }

    /// The same text as ``rfc3339``, appended as ASCII.
    public func append(to bytes: inout [UInt8]) {
        let (days, millisecondsOfDay) = milliseconds.flooredDivision(by: 86_400_000)
        let date = Timestamp.date(daysSinceEpoch: days)
        func two(_ value: Int64) {
            bytes.append(UInt8(48 + value / 10))
            bytes.append(UInt8(48 + value % 10))
        }
        two(date.year / 100)
        two(date.year % 100)
        bytes.append(UInt8(ascii: "-"))
        two(date.month)
        bytes.append(UInt8(ascii: "-"))
        two(date.day)
        bytes.append(UInt8(ascii: "T"))
        two(millisecondsOfDay / 3_600_000)
        bytes.append(UInt8(ascii: ":"))
        two(millisecondsOfDay / 60_000 % 60)
        bytes.append(UInt8(ascii: ":"))
        two(millisecondsOfDay / 1000 % 60)
        bytes.append(UInt8(ascii: "."))
        bytes.append(UInt8(48 + millisecondsOfDay % 1000 / 100))
        two(millisecondsOfDay % 100)
        bytes.append(UInt8(ascii: "Z"))
    }
}

extension Timestamp: CustomStringConvertible {
    public var description: String { rfc3339 }
}

extension Timestamp: Codable {
    public init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let value = Timestamp(rfc3339: text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "not an RFC 3339 date: \(text)"))
        }
        self = value
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(rfc3339)
    }
}

// MARK: - The calendar

extension Timestamp {
    static func daysInMonth(_ month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }

    /// Days from 1970-01-01 in the proleptic Gregorian calendar; the year is counted from March, so that the
    /// leap day is its last.
    static func daysSinceEpoch(year: Int64, month: Int64, day: Int64) -> Int64 {
        let marchYear = month <= 2 ? year - 1 : year
        let (era, yearOfEra) = marchYear.flooredDivision(by: 400)
        let monthFromMarch = (month + 9) % 12
        let dayOfYear = (153 * monthFromMarch + 2) / 5 + day - 1
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        return era * 146_097 + dayOfEra - 719_468
    }

    static func date(daysSinceEpoch: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let (era, dayOfEra) = (daysSinceEpoch + 719_468).flooredDivision(by: 146_097)
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let monthFromMarch = (5 * dayOfYear + 2) / 153
        let day = dayOfYear - (153 * monthFromMarch + 2) / 5 + 1
        let month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }
}

extension Int64 {
    /// Inlined, so that dividing by a constant is a multiplication.
    @inline(__always)
    func flooredDivision(by divisor: Int64) -> (quotient: Int64, remainder: Int64) {
        let quotient = self / divisor
        let remainder = self % divisor
        return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
    }
}

/// Reads fixed-width digits and single characters from ASCII.
private struct DigitReader {
    let bytes: UnsafeBufferPointer<UInt8>
    var position = 0

    var isAtEnd: Bool { position == bytes.count }

    mutating func take(_ character: Unicode.Scalar) -> Bool {
        guard position < bytes.count, bytes[position] == UInt8(ascii: character) else { return false }
        position += 1
        return true
    }

    mutating func digits(_ count: Int) -> Int64? {
        guard position + count <= bytes.count else { return nil }
        var value: Int64 = 0
        for offset in 0..<count {
            let digit = bytes[position + offset] &- 48
            guard digit <= 9 else { return nil }
            value = value * 10 + Int64(digit)
        }
        position += count
        return value
    }

    /// One or more digits; the first three are milliseconds.
    mutating func fraction() -> Int64? {
        let start = position
        var value: Int64 = 0
        while position < bytes.count, bytes[position] &- 48 <= 9 {
            if position - start < 3 { value = value * 10 + Int64(bytes[position] &- 48) }
            position += 1
        }
        switch position - start {
        case 0: return nil
        case 1: return value * 100
        case 2: return value * 10
        default: return value
        }
    }

    /// `Z`, or an offset such as `+02:00`.
    mutating func offsetMinutes() -> Int64? {
        if take("Z") || take("z") { return 0 }
        let sign: Int64
        if take("+") { sign = 1 } else if take("-") { sign = -1 } else { return nil }
        guard let hours = digits(2), take(":"), let minutes = digits(2), hours <= 23, minutes <= 59 else {
            return nil
        }
        return sign * (hours * 60 + minutes)
    }
}
