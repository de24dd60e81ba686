/// How long the events of a type are kept, by their own time. It is written as ISO 8601 writes a duration of whole days or
/// years: `P90D`, `P2Y`.
public struct Retention: Sendable, Hashable {
    public enum Unit: Character, Sendable, CaseIterable {
        case days = "D"
        case years = "Y"
    }

    public let count: Int
    public let unit: Unit

    /// nil: it is less than one, or more than ``Limits/retentionYearsMax``.
    public init?(_ count: Int, _ unit: Unit) {
        let most =
            switch unit {
            case .days: Limits.retentionYearsMax * 366
            case .years: Limits.retentionYearsMax
            }
        guard (1...most).contains(count) else { return nil }
        (self.count, self.unit) = (count, unit)
    }

    /// nil: the text is no such duration.
    public init?(_ text: some StringProtocol) {
        let digits = text.dropFirst().dropLast()
        guard text.first == "P", let last = text.last, let unit = Unit(rawValue: last),
            digits.utf8.first != UInt8(ascii: "0"), digits.utf8.allSatisfy({ $0 &- 48 <= 9 }), let count = Int(digits)
        else { return nil }
        self.init(count, unit)
    }

    public var text: String { "P\(count)\(unit.rawValue)" }

    /// For people: `90 days`, `1 year`.
    public var words: String {
        let noun = unit == .days ? "day" : "year"
        return count == 1 ? "1 \(noun)" : "\(count) \(noun)s"
    }

    /// Events with a time before this one go. A year ago is the same date a year ago; where there is none, the next day.
    public func end(at now: Timestamp) -> Timestamp {
        switch unit {
        case .days: now.advanced(by: .seconds(-86_400 * count))
        case .years: now.yearsAgo(count)
        }
    }
}

extension Retention: Codable {
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        guard let retention = Retention(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "no duration of days or years")
        }
        self = retention
    }
}

extension Timestamp {
    fileprivate func yearsAgo(_ count: Int) -> Timestamp {
        let (days, rest) = milliseconds.flooredDivision(by: 86_400_000)
        let date = Timestamp.date(daysSinceEpoch: days)
        // Days since the epoch are counted on: the 29th of February becomes the 1st of March.
        let ago = Timestamp.daysSinceEpoch(year: date.year - Int64(count), month: date.month, day: date.day)
        return Timestamp(milliseconds: ago * 86_400_000 + rest)
    }
}
