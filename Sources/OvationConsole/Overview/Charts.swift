import OvationCore

/// Sixty bars, one a minute, as a single SVG path in a box of 240 by 40.
struct MinuteChart: Sendable, Equatable {
    static let height = 40

    /// Class of the path, and so its colour.
    let kind: String
    let label: String
    let total: String
    /// What the picture says, in words.
    let words: String
    let path: String

    init(kind: String, label: String, values: [Int]) {
        let sum = values.reduce(0, +)
        let peak = values.max() ?? 0
        self.kind = kind
        self.label = label
        total = sum.grouped
        words = sum == 0 ? "None counted." : "At most \(peak.grouped) in a minute."
        path = values.enumerated().filter { $0.element > 0 }.map { index, value in
            // At least 2, so that a single event can be seen beside thousands.
            let height = max(2, value * Self.height / max(peak, 1))
            return "M\(index * 4) \(Self.height)v-\(height)h3v\(height)z"
        }.joined()
    }
}

/// One row of the bars per event type.
struct BarRow: Sendable, Equatable {
    let name: String
    let discriminator: String
    let href: String?
    let count: String
    let isRemoved: Bool
    /// Percent of the longest bar.
    let width: Int

    static func rows(_ counts: [EventTypeCount]) -> [BarRow] {
        let most = max(counts.map(\.count).max() ?? 1, 1)
        return counts.map {
            BarRow(
                name: $0.name, discriminator: $0.discriminator, href: $0.href, count: $0.count.grouped,
                isRemoved: $0.isRemoved, width: $0.count == 0 ? 0 : max(1, $0.count * 100 / most))
        }
    }
}

/// A cell for each day: weeks side by side, Monday on top.
struct DayStrip: Sendable, Equatable {
    struct Cell: Sendable, Equatable {
        let x: Int
        let y: Int
        /// From 1 to 4 for the busiest.
        let level: Int
        let label: String
        let href: String
    }

    struct Month: Sendable, Equatable {
        let x: Int
        let name: String
    }

    /// A day with events, as the table lists it.
    struct Row: Sendable, Equatable {
        let date: String
        let href: String
        let count: String
    }

    static let pitch = 13
    static let top = 16
    static let daysMax = 371

    let width: Int
    let height: Int
    /// All days without events, as one path.
    let quiet: String
    /// The days with events.
    let cells: [Cell]
    let isEmpty: Bool
    let months: [Month]
    /// The newest first.
    let rows: [Row]
    let words: String

    init(_ allDays: [ProfileSummary.Day]) {
        let days = allDays.suffix(Self.daysMax)
        let offset = days.first.map { Self.weekday(of: $0.date) } ?? 0
        let most = days.map(\.count).max() ?? 0
        var quiet = ""
        var cells: [Cell] = []
        var months: [Month] = []
        for (index, day) in days.enumerated() {
            let column = (offset + index) / 7
            let y = Self.top + (offset + index) % 7 * Self.pitch
            if day.count > 0 {
                let label = "\(day.date): \(day.count.counting("event"))"
                let level = min(4, 1 + (day.count * 4 - 1) / most)
                cells.append(Cell(x: column * Self.pitch, y: y, level: level, label: label, href: day.href))
            } else {
                quiet += "M\(column * Self.pitch) \(y)h11v11h-11z"
            }
            if day.date.hasSuffix("-01"), let month = Int(day.date.dropFirst(5).prefix(2)), (1...12).contains(month) {
                months.append(Month(x: column * Self.pitch, name: Self.monthNames[month - 1]))
            }
        }
        self.quiet = quiet
        self.cells = cells
        isEmpty = days.isEmpty
        self.months = months
        width = max(1, (offset + days.count + 6) / 7) * Self.pitch + 12
        height = Self.top + 7 * Self.pitch
        let busy = days.filter { $0.count > 0 }
        rows = busy.reversed().map { Row(date: $0.date, href: $0.href, count: $0.count.grouped) }
        words = Self.words(days: days, busy: busy)
    }

    private static let monthNames = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]

    /// 0 is Monday.
    /// - Parameter date: `2026-11-23`
    private static func weekday(of date: String) -> Int {
        // The epoch began on a Thursday.
        let day = (Timestamp(rfc3339: date + "T00:00:00Z")?.milliseconds ?? 0) / 86_400_000
        return Int(((day + 3) % 7 + 7) % 7)
    }

    private static func words(days: ArraySlice<ProfileSummary.Day>, busy: [ProfileSummary.Day]) -> String {
        guard let first = days.first, let last = days.last else { return "No days." }
        guard let top = busy.max(by: { $0.count < $1.count }) else {
            return "No events from \(first.date) to \(last.date)."
        }
        return "Events on \(busy.count.counting("day")) from \(first.date) to \(last.date); "
            + "most on \(top.date): \(top.count.grouped)."
    }
}
