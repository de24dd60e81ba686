import OvationCore
import OvationTesting
import Testing

@Suite("Pages of a profile's events and changes")
struct TimelinePageTests {
    /// What a store has of a profile, which is read as a store reads it.
    private struct Rows {
        var events: [StoredEvent] = []
        var changes: [StoredProfileChange] = []
        /// Of the newest of both.
        var number: Int64 = 0

        mutating func post(at time: Int64, data: String = "{}") {
            number += 1
            let time = Timestamp(milliseconds: time)
            events.append(StoredEvent(id: number, eventTime: time, receivedAt: time, version: 1, data: data))
        }

        mutating func change(at time: Int64, from value: String? = nil) {
            number += 1
            let edit = StoredProfileChange.Edit(
                field: .attribute(1), from: value.map { ProfileValue(version: 1, value: .string($0)) }, to: nil)
            changes.append(
                StoredProfileChange(
                    position: number, kind: .updated, section: 1, at: Timestamp(milliseconds: time), actor: "me",
                    edits: [edit]))
        }

        func page(after position: TimelinePosition?, limit: Int) throws -> TimelinePage {
            let events = events.sorted { TimelinePage.Item.event($0).place > TimelinePage.Item.event($1).place }
                .filter { event in position.map { TimelinePage.Item.event(event).place < $0.place } ?? true }
            let filter = ProfileChangeFilter(
                profile: try Fixtures.address("a@b.se"), sections: [1], before: position?.changesBefore,
                orBehind: position?.place, limit: limit)
            let changes = changes.reversed().filter { filter.takes($0.position, at: $0.at) }
            return TimelinePage(
                EventPage(
                    events: Array(events.prefix(limit)),
                    next: events.count > limit ? TimelinePage.Item.event(events[limit - 1]).place : nil),
                ProfileChangePage(
                    changes: Array(changes.prefix(limit)),
                    next: changes.count > limit ? changes[limit - 1].position : nil),
                after: position, limit: limit)
        }

        func all(limit: Int) throws -> [TimelinePage.Item] {
            var (items, position): ([TimelinePage.Item], TimelinePosition?) = ([], nil)
            repeat {
                let page = try page(after: position, limit: limit)
                #expect(page.items.count <= limit && (page.next == nil || !page.items.isEmpty))
                items += page.items
                position = page.next
            } while position != nil
            return items
        }
    }

    private static func numbers(_ items: [TimelinePage.Item]) -> [Int64] { items.map(\.place.id) }

    @Test("an event stands at its event time, a change at its time, and the later of two at one time comes first")
    func order() throws {
        var rows = Rows()
        rows.post(at: 5)
        rows.change(at: 5)
        rows.post(at: 9)
        rows.change(at: 6)
        rows.post(at: 5)
        for limit in 1...6 { #expect(Self.numbers(try rows.all(limit: limit)) == [3, 4, 5, 2, 1], "\(limit)") }
        let empty = try Rows().page(after: nil, limit: 3)
        #expect(empty.items.isEmpty && empty.next == nil)
    }

    @Test("pages follow each other, also where what comes meanwhile is newer", arguments: 1...40 as ClosedRange<UInt64>)
    func pages(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var rows = Rows()
        var now: Int64 = 1000
        func add() {
            now += Int64.random(in: 0...2, using: &random)
            if Bool.random(using: &random) {
                rows.change(at: now)
            } else {
                rows.post(at: now - Int64.random(in: 0...1, using: &random) * Int64.random(in: 0...40, using: &random))
            }
        }
        for _ in 0..<Int.random(in: 0...40, using: &random) { add() }
        let expected = try rows.page(after: nil, limit: 1000).items
        #expect(expected.count == rows.events.count + rows.changes.count)
        #expect(expected.map(\.place) == expected.map(\.place).sorted(by: >))
        for limit in [1, 2, 3, 7] { #expect(try rows.all(limit: limit) == expected, "seed \(seed), limit \(limit)") }
        var (items, position): ([TimelinePage.Item], TimelinePosition?) = ([], nil)
        repeat {
            let page = try rows.page(after: position, limit: Int.random(in: 1...4, using: &random))
            items += page.items
            position = page.next
            now += 1000
            rows.post(at: now)
            rows.change(at: now)
        } while position != nil
        #expect(items == expected, "seed \(seed)")
    }

    @Test(
        "a merge between two pages brings what stands behind the first, once", arguments: 1...40 as ClosedRange<UInt64>)
    func merges(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        var (own, other, both) = (Rows(), Rows(), Rows())
        for time in 1000..<1060 as Range<Int64> {
            let isOwn = Bool.random(using: &random)
            if Bool.random(using: &random) {
                both.change(at: time)
                if isOwn { own.changes.append(both.changes.last!) } else { other.changes.append(both.changes.last!) }
            } else {
                both.post(at: time - Int64.random(in: 0...50, using: &random))
                if isOwn { own.events.append(both.events.last!) } else { other.events.append(both.events.last!) }
            }
        }
        let first = try own.page(after: nil, limit: Int.random(in: 1...20, using: &random))
        guard var position = first.next else { return }
        let expected = try both.page(after: nil, limit: 1000).items.filter { $0.place < position.place }
        var items: [TimelinePage.Item] = []
        while true {
            let page = try both.page(after: position, limit: Int.random(in: 1...9, using: &random))
            items += page.items
            guard let next = page.next else { break }
            position = next
        }
        #expect(items == expected, "seed \(seed)")
        #expect(!other.changes.isEmpty && !other.events.isEmpty)
    }

    @Test("where a clock was set back, each is still shown once, and changes in the order in which they were made")
    func clocks() throws {
        var rows = Rows()
        for time in [50, 10, 40, 5, 30, 20] as [Int64] {
            rows.change(at: time)
            rows.post(at: time + 2)
        }
        for limit in 1...13 {
            let items = try rows.all(limit: limit)
            #expect(Set(Self.numbers(items)).count == 12 && items.count == 12, "\(limit)")
            let changes = items.filter { if case .change = $0 { true } else { false } }
            #expect(Self.numbers(changes) == [11, 9, 7, 5, 3, 1], "\(limit)")
        }
    }

    @Test("a cursor of events alone leads to the changes behind it")
    func eventCursor() throws {
        var rows = Rows()
        for time in 1...9 as ClosedRange<Int64> {
            rows.post(at: time)
            rows.change(at: time)
        }
        let place = EventPosition(eventTime: Timestamp(milliseconds: 4), id: 8)
        let page = try rows.page(after: TimelinePosition(behind: place), limit: 100)
        #expect(Self.numbers(page.items) == [7, 6, 5, 4, 3, 2, 1])
    }

    @Test("a page ends early where events or changes are large")
    func large() throws {
        let text = String(repeating: "x", count: Limits.pageBytesMax / 2)
        var rows = Rows()
        for time in 1...8 as ClosedRange<Int64> {
            rows.post(at: time, data: text)
            rows.change(at: time, from: text)
        }
        let first = try rows.page(after: nil, limit: 100)
        #expect(Self.numbers(first.items) == [16, 15])
        #expect(Self.numbers(try rows.all(limit: 100)) == (1...16).reversed())
        let changes = ProfileChangePage(changes: rows.changes.reversed(), next: nil)
        #expect(changes.changes.map(\.position) == [16, 14] && changes.next == 14)
    }

    @Test("a change is taken by its position and its time")
    func takes() throws {
        var filter = ProfileChangeFilter(profile: try Fixtures.address("a@b.se"), sections: [1], limit: 1)
        func takes(_ position: Int64, _ time: Int64) -> Bool {
            filter.takes(position, at: Timestamp(milliseconds: time))
        }
        #expect(takes(.max, 0))
        filter.before = 5
        #expect(takes(4, 100) && !takes(5, 0))
        filter.orBehind = EventPosition(eventTime: Timestamp(milliseconds: 50), id: 9)
        #expect(takes(4, 100) && takes(8, 50) && takes(100, 49) && !takes(9, 50) && !takes(5, 51))
        (filter.from, filter.to) = (Timestamp(milliseconds: 10), Timestamp(milliseconds: 20))
        #expect(!takes(4, 9) && takes(4, 10) && takes(4, 19) && !takes(4, 20))
        #expect(filter.ends(at: Timestamp(milliseconds: 10 - 3_600_001)))
        #expect(!filter.ends(at: Timestamp(milliseconds: 10 - 3_600_000)))
        filter.from = nil
        #expect(!filter.ends(at: Timestamp(milliseconds: .min / 2)))
    }
}
