import Testing

@testable import OvationConsole

@Suite("Days and minutes of the console")
struct DayTests {
    @Test(
        "a day stands in the row of its weekday, Monday first",
        arguments: [
            ("2026-11-23", 0), ("2026-11-29", 6), ("2024-02-29", 3), ("1970-01-01", 3), ("1969-12-31", 2),
            ("1969-12-28", 6),
        ])
    func weekday(date: String, row: Int) {
        let strip = DayStrip([ProfileSummary.Day(date: date, count: 1, href: "/")])
        #expect(strip.cells.map(\.y) == [DayStrip.top + row * DayStrip.pitch])
    }

    @Test("months are named where they begin, and a strip without days is empty")
    func months() {
        let days = ["2025-12-31", "2026-01-01", "2026-01-02"].map { ProfileSummary.Day(date: $0, count: 0, href: "/") }
        #expect(DayStrip(days).months.map(\.name) == ["Jan"])
        #expect(DayStrip([]).isEmpty)
    }

    @Test("minutes are counted from the first, over midnight and the end of a year")
    func minutes() {
        let traffic = OverviewPage.Traffic(
            accepted: [1, 0, 2], refused: [0, 0, 0], duplicates: [0, 0, 0],
            from: Moment(iso: "2025-12-31T23:58:00.000Z"), until: Moment(iso: "2026-01-01T00:01:00.000Z"))
        #expect(traffic.minutes.map(\.at.iso) == ["2026-01-01T00:00:00.000Z", "2025-12-31T23:58:00.000Z"])
        #expect(traffic.minutes.map(\.accepted) == ["2", "1"])
    }
}
