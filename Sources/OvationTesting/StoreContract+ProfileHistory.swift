import OvationCore
import Testing

/// What was changed of a profile, as it is read back.
extension StoreContract {
    static let profileHistoryChecks: [Check] = [
        Check("a value is read with who set it, when, and by which change") { try await $0.saysWhoSet() },
        Check("a change is read with what was there before") { try await $0.saysWhatWasThere() },
        Check("pages of changes follow each other, newest first") { try await $0.pagesChanges() },
        Check("changes are read of the sections that are asked for, and of the profile as a whole") {
            try await $0.narrowsChanges()
        },
        Check("changes are read from a moment on and up to another") { try await $0.readsChangesOfRange() },
        Check("a change of a merged profile is read with what the whole profile had before") {
            try await $0.saysWhatMergedHad()
        },
        Check("a timeline has events and changes in one order, also while a merge happens between two pages") {
            try await $0.pagesTimeline()
        },
        Check("changes of a section are exported in their order, each with a key that leads to its profile") {
            try await $0.exportsChanges()
        },
        Check("changes of a profile that is not there are nil and not empty") { try await $0.knowsNoChanges() },
        Check("numbers of updates and ids of events rise together, and only events are exported") {
            try await $0.numbersUpdates()
        },
        Check("of many changes at once none is lost") { try await $0.changesConcurrently() },
        Check("changes and posts at once are stored in the order of each caller") { try await $0.changesAmongPosts() },
    ]

    private func changes(
        _ key: String, sections: [Int64] = [2, 3], before: Int64? = nil, limit: Int = 100, id: Int64? = nil
    ) async throws -> ProfileChangePage {
        let address = try Fixtures.address(key, id: id)
        let filter = ProfileChangeFilter(profile: address, sections: sections, before: before, limit: limit)
        return try #require(try await store.changes(filter))
    }

    private func saysWhoSet() async throws {
        try await found()
        let (early, late) = (Fixtures.now, Fixtures.now.advanced(by: .milliseconds(1234)))
        let (one, two) = (Fixtures.set(1, .string("a")), Fixtures.set(2, .string("b")))
        let first = try await expectChange(
            Fixtures.update(
                "a@b.se", [two, one, Fixtures.tag(2)], at: early, actor: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
        let second = try await expectChange(
            Fixtures.update("a@b.se", [two, Fixtures.tag(1)], at: late, actor: "öther"))
        let data = try #require(try await store.data(of: Fixtures.address("a@b.se"), in: nil))
        func field(_ edit: ProfileEdit, _ isFirst: Bool) throws -> HeldField {
            HeldField(
                field: edit.field, value: try #require(edit.value), setAt: isFirst ? early : late,
                actor: isFirst ? "752cdd05-75e0-4f8a-bd08-62e3df753ff3" : "öther", position: isFirst ? first : second)
        }
        // Who sets what is there already sets nothing: it was set by the first.
        let expected = [
            try field(one, true), try field(two, true), try field(Fixtures.tag(1), false),
            try field(Fixtures.tag(2), true),
        ]
        #expect(data.sections == [ProfileData.Section(section: 2, fields: expected)])
        #expect(try await data.profile == store.profile(.address(Fixtures.address("a@b.se"))))
    }

    private func saysWhatWasThere() async throws {
        try await found()
        let sets = [FieldValue.string("a"), .string("b"), .string("b")].enumerated().map {
            Fixtures.set(1, $0.element, version: $0.offset == 2 ? 8 : 7)
        }
        let times = (0..<7).map { Fixtures.now.advanced(by: .seconds($0)) }
        let steps: [[ProfileEdit]] = [
            [sets[0], Fixtures.tag(4)], [Fixtures.tag(4), sets[1]], [sets[2]],
            [Fixtures.tag(4, false), Fixtures.clear(1)],
            [sets[2], Fixtures.clear(9)],
        ]
        for (number, edits) in steps.enumerated() {
            try await expectChange(Fixtures.update("a@b.se", edits, at: times[number], actor: "\(number)"))
        }
        typealias Edit = StoredProfileChange.Edit
        let (one, four, tag) = (ProfileField.attribute(1), ProfileField.tag(4), Fixtures.tag(4).value)
        let expected: [[Edit]] = [
            [Edit(field: one, from: nil, to: sets[0].value), Edit(field: four, from: nil, to: tag)],
            [Edit(field: one, from: sets[0].value, to: sets[1].value)],
            [Edit(field: one, from: sets[1].value, to: sets[2].value)],
            [Edit(field: four, from: tag, to: nil), Edit(field: one, from: sets[2].value, to: nil)],
            [Edit(field: one, from: nil, to: sets[2].value)],
        ]
        let all = try await changes("a@b.se")
        #expect(all.next == nil)
        #expect(all.changes.map(\.edits) == expected.reversed())
        #expect(all.changes.map(\.at) == times.prefix(5).reversed())
        #expect(all.changes.map(\.actor) == ["4", "3", "2", "1", "0"])
        #expect(all.changes.allSatisfy { $0.kind == .updated && $0.section == 2 })
        // What was there is known on a page that does not have it.
        for (number, change) in all.changes.enumerated() {
            let one = try await changes("a@b.se", before: change.position + 1, limit: 1)
            #expect(one.changes == [change])
            #expect(one.next == (number == 4 ? nil : change.position))
        }
    }

    private func pagesChanges() async throws {
        try await found()
        var expected: [Int64] = []
        for number in 0..<23 {
            let field = Int64(number % 5)
            expected.insert(
                try await expectChange(
                    Fixtures.update("a@b.se", [Fixtures.set(field, .integer(Int64(number)))], section: 2 + field % 2)),
                at: 0)
        }
        let all = try await changes("a@b.se")
        #expect(all.changes.map(\.position) == expected && all.next == nil)
        for limit in [1, 2, 7, 22, 23, 24] {
            var (pages, before): ([StoredProfileChange], Int64?) = ([], nil)
            repeat {
                let page = try await changes("a@b.se", before: before, limit: limit)
                #expect(page.changes.count == limit || page.next == nil)
                pages += page.changes
                before = page.next
            } while before != nil && pages.count < 100
            #expect(pages == all.changes, "\(limit)")
        }
        // Changes that come meanwhile do not move what comes next.
        let first = try await changes("a@b.se", limit: 4)
        try await expectChange(Fixtures.update("a@b.se", [Fixtures.set(1, .integer(-1)), Fixtures.clear(2)]))
        let next = try await changes("a@b.se", before: first.next, limit: 4)
        #expect(first.changes + next.changes == Array(all.changes.prefix(8)))
        // A number between two changes, or beyond all, is as good.
        #expect(try await changes("a@b.se", before: .max).changes.count == 24)
        #expect(try await changes("a@b.se", before: expected.last).changes.isEmpty)
    }

    private func narrowsChanges() async throws {
        try await found()
        let operations: [ProfileChange.Operation] = [
            .update(section: 2, [Fixtures.tag(1)]), .update(section: 3, [Fixtures.tag(1)]), .lock,
        ]
        let change = ProfileChange(
            profile: try Fixtures.address("a@b.se"), at: Fixtures.now, actor: "me", precondition: .none,
            operations: operations)
        let last = try await expectChange(change)
        let whole = try await changes("a@b.se")
        #expect(whole.changes.map(\.position) == [last, last - 1, last - 2])
        #expect(whole.changes.map(\.kind) == [.locked, .updated, .updated])
        #expect(whole.changes[0].edits.isEmpty && whole.changes[0].section == nil && whole.changes[0].actor == "me")
        #expect(try await changes("a@b.se", sections: [3]).changes == Array(whole.changes.prefix(2)))
        #expect(try await changes("a@b.se", sections: [2]).changes == [whole.changes[0], whole.changes[2]])
        #expect(try await changes("a@b.se", sections: []).changes == [whole.changes[0]])
        #expect(try await changes("a@b.se", sections: [9], before: last).changes.isEmpty)
        #expect(try await changes("a@b.se", sections: [3, 2], before: last, limit: 1).next == last - 1)
    }

    private func readsChangesOfRange() async throws {
        try await found()
        func time(_ minutes: Int) -> Timestamp { Fixtures.now.advanced(by: .seconds(60 * minutes)) }
        // The clock is set back by half an hour once, and by two hours before.
        for (number, minutes) in [300, 180, 200, 210, 180, 190].enumerated() {
            try await expectChange(
                Fixtures.update("a@b.se", [Fixtures.set(1, .integer(Int64(number)))], at: time(minutes)))
        }
        func values(from: Int?, to: Int?, limit: Int = 9) async throws -> [FieldValue?] {
            let filter = ProfileChangeFilter(
                profile: try Fixtures.address("a@b.se"), sections: [2], from: from.map(time), to: to.map(time),
                limit: limit)
            return try #require(try await store.changes(filter)).changes.map { $0.edits[0].to?.value }
        }
        #expect(try await values(from: 180, to: nil) == [5, 4, 3, 2, 1, 0].map { .integer($0) })
        #expect(try await values(from: 190, to: 210) == [.integer(5), .integer(2)])
        #expect(try await values(from: nil, to: 190, limit: 1) == [.integer(4)])
        #expect(try await values(from: 250, to: nil) == [], "the reading has ended before the first change")
        let filter = ProfileChangeFilter(
            profile: try Fixtures.address("a@b.se"), sections: [2], before: 1,
            orBehind: EventPosition(eventTime: time(200), id: .max), limit: 9)
        let behind = try #require(try await store.changes(filter)).changes
        #expect(behind.map { $0.edits[0].to?.value } == [5, 4, 2, 1].map { .integer($0) })
    }

    private func saysWhatMergedHad() async throws {
        try await self.found()
        try await set("a@b.se", [text(4, "own"), text(5, "kept")])
        try await set("web", [text(4, "other"), text(6, "filled")])
        try await set("web", [text(4, "other 2")])
        try await expectMerged("web", "a@b.se")
        try await set("web", [text(4, "new"), text(5, "changed"), Fixtures.clear(6)])
        try await set("a@b.se", [text(4, "newer"), text(6, "again")])
        func froms(_ key: String) async throws -> [[String?]] {
            try #require(try await allChanges(key)).filter { $0.kind == .updated }.map { change in
                change.edits.map { edit in
                    if case .string(let text)? = edit.from?.value { text } else { nil }
                }
            }
        }
        for key in ["web", "a@b.se"] {
            #expect(
                try await froms(key) == [
                    ["new", nil], ["own", "kept", "filled"], ["other"], [nil, nil], [nil, nil],
                ])
        }
        // Each is again what it was, and says of itself alone.
        try await expectChanged("web", .restore)
        #expect(try await froms("web") == [["other 2", nil, "filled"], ["other"], [nil, nil]])
        #expect(try await froms("a@b.se") == [["own", nil], [nil, nil]])
    }

    private func pagesTimeline() async throws {
        try await self.found()
        let start = Fixtures.now.milliseconds
        func touch(_ key: String, _ seconds: Int64) async throws {
            let edits = [Fixtures.set(9, .integer(seconds))]
            Fixtures.expectChanged(
                try await change(
                    key, [.update(section: 2, edits)], precondition: .none,
                    at: Fixtures.now.advanced(by: .seconds(seconds))))
        }
        for second in 1...8 as ClosedRange<Int64> {
            let key = second.isMultiple(of: 2) ? "web" : "a@b.se"
            try await post(key, [start + 1000 * second])
            try await touch(key, second)
        }
        let filter = EventFilter(profile: try address("a@b.se"), section: 2)
        func seconds(_ page: TimelinePage) -> [Int64] {
            page.items.map { ($0.place.eventTime.milliseconds - start) / 1000 }
        }
        let first = try #require(try await store.timeline(filter, after: nil, limit: 3))
        #expect(seconds(first) == [7, 7, 5])
        guard case .change = first.items[0], case .event = first.items[1] else {
            Issue.record("\(first.items)")
            return
        }
        let merge = ProfileChange.Operation.merge(try address("web"), Fixtures.mergeRules)
        Fixtures.expectChanged(
            try await change("a@b.se", [merge], at: Fixtures.now.advanced(by: .seconds(9))))
        let second = try #require(try await store.timeline(filter, after: first.next, limit: 3))
        #expect(seconds(second) == [5, 4, 4])
        let third = try #require(try await store.timeline(filter, after: second.next, limit: 100))
        #expect(seconds(third) == [3, 3, 2, 2, 1, 1] && third.next == nil)
        let whole = try #require(try await store.timeline(filter, after: nil, limit: 6))
        #expect(seconds(whole) == [9, 9, 8, 8, 7, 7])
        let narrow = EventFilter(
            profile: filter.profile, section: 2, from: Timestamp(milliseconds: start + 3000),
            to: Timestamp(milliseconds: start + 5000))
        let page = try #require(try await store.timeline(narrow, after: nil, limit: 100))
        #expect(seconds(page) == [4, 4, 3, 3] && page.next == nil)
        let nobody = EventFilter(profile: try address("nobody"), section: 2)
        #expect(try await store.timeline(nobody, after: nil, limit: 1) == nil)
    }

    private func exportsChanges() async throws {
        try await found()
        let range = ExportRange(account: 1, section: 2, limit: 100, bytesMax: 100_000)
        let nothing = ChangeExportPage(rows: [], next: nil, newest: 0)
        #expect(try await store.changes(of: range) == nothing)
        try await post("a@b.se", [1])
        try await set("a@b.se", [text(4, "own")])
        try await set("web", [text(4, "other"), Fixtures.tag(1)])
        try await set("web", [text(5, "elsewhere")], section: 3)
        try await set("gone@b.se", [text(4, "gone")])
        try await expectMerged("web", "a@b.se")
        try await set("web", [text(4, "new")])
        try await set("a@b.se", [Fixtures.clear(4)])
        let expected = ["a@b.se own", "web other true", "gone@b.se gone", "web new", "a@b.se -"]
        func shown(_ page: ChangeExportPage) -> [String] {
            page.rows.map { row in
                let values = row.change.edits.map { edit in
                    switch edit.to?.value {
                    case .string(let text)?: text
                    case .boolean(let flag)?: "\(flag)"
                    default: "-"
                    }
                }
                return ([row.key.text] + values).joined(separator: " ")
            }
        }
        for limit in 1...6 {
            var (found, next) = ([String](), Int64?.some(0))
            while let after = next {
                var part = range
                (part.after, part.limit) = (after, limit)
                let page = try await store.changes(of: part)
                found += shown(page)
                next = page.next
            }
            #expect(found == expected, "\(limit)")
        }
        let all = try await store.changes(of: range)
        #expect(all.rows.map(\.change.position) == all.rows.map(\.change.position).sorted() && all.next == nil)
        #expect(all.newest == all.rows[4].change.position && all.rows.map(\.key.keyspace) == [1, 4, 1, 4, 1])
        // What this part of the profile had before, and not what the whole profile had.
        #expect(all.rows[3].change.edits.map(\.from?.value) == [.string("other")])
        #expect(all.rows[4].change.edits.map(\.from?.value) == [.string("own")])
        var part = range
        (part.after, part.through) = (all.rows[0].change.position, all.rows[3].change.position - 1)
        #expect(shown(try await store.changes(of: part)) == Array(expected[1...2]))
        part.bytesMax = 1
        #expect(try await store.changes(of: part).rows.count == 1, "a page has one at least")
        for (from, to, count) in [(0, nil, 5), (1, nil, 0), (nil, 0, 0), (nil, 1, 5)] as [(Int?, Int?, Int)] {
            var part = range
            part.from = from.map { Fixtures.now.advanced(by: .milliseconds($0)) }
            part.to = to.map { Fixtures.now.advanced(by: .milliseconds($0)) }
            #expect(try await store.changes(of: part).rows.count == count)
        }
        // A key that was taken out leads elsewhere; and nobody exports who was erased.
        try await expectChanged("web", .unmerge)
        _ = try await change("gone@b.se", [.erase(Fixtures.erasureID(1), formats: Fixtures.keyFormats)])
        #expect(
            shown(try await store.changes(of: range)) == ["a@b.se own", "a@b.se other true", "a@b.se new", "a@b.se -"])
    }

    private func knowsNoChanges() async throws {
        try await found()
        let address = try Fixtures.address("a@b.se")
        let filter = ProfileChangeFilter(profile: address, sections: [2], limit: 9)
        #expect(try await store.changes(filter) == nil)
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
        #expect(try await store.changes(filter) == ProfileChangePage(changes: [], next: nil))
        let elsewhere = ProfileAddress(account: 2, keyspace: 1, key: address.key, foundingID: address.foundingID)
        #expect(
            try await store.changes(ProfileChangeFilter(profile: elsewhere, sections: [2], limit: 9)) == nil)
        // Of two with one hash, each has its own.
        try await expectChange(Fixtures.update("b@b.se", [Fixtures.tag(1)], id: 7))
        try await expectChange(Fixtures.update("c@b.se", [Fixtures.tag(2)], id: 7))
        #expect(try await changes("b@b.se", id: 7).changes.flatMap(\.edits).map(\.field) == [.tag(1)])
        #expect(try await changes("c@b.se", id: 7).changes.flatMap(\.edits).map(\.field) == [.tag(2)])
    }

    private func numbersUpdates() async throws {
        try await found()
        var (numbers, events): ([Int64], [Int64]) = ([], [])
        for round in 0..<5 {
            let key = "\(round % 2)@b.se"
            _ = try await store.append(Fixtures.batch(key, times: [Int64(round)]))
            events.append(try #require(try await page(filter(key), limit: 1).events.first?.id))
            numbers.append(events[round])
            numbers.append(
                try await expectChange(Fixtures.update(key, [Fixtures.set(1, .integer(Int64(round)))])))
            // Changes nothing, and takes no number that shows.
            _ = try await store.change(Fixtures.update(key, [Fixtures.set(1, .integer(Int64(round)))]))
        }
        #expect(Set(numbers).count == 10 && numbers == numbers.sorted(), "\(numbers)")
        let range = ExportRange(account: 1, section: 2, after: 0, limit: 100, bytesMax: 100_000)
        #expect(try await store.events(of: range).rows.map(\.id) == events)
        // Deleting the newest events takes no number back.
        _ = try await store.deleteEvents(
            filter("0@b.se"), id: nil, recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") },
            at: Fixtures.now, by: "me")
        let next = try await expectChange(Fixtures.update("0@b.se", [Fixtures.clear(1)]))
        #expect(next > numbers[9])
        #expect(try await changes("0@b.se").changes.count == 4)
    }

    /// Each change of one field has the one before as what was there.
    private func changesConcurrently() async throws {
        try await found()
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0..<60 {
                group.addTask {
                    let edits = [
                        Fixtures.set(1, .integer(Int64(number))), Fixtures.set(100 + Int64(number), .integer(1)),
                        Fixtures.tag(Int64(number % 7), number.isMultiple(of: 2)),
                    ]
                    // The first of them makes the profile.
                    _ = try await Fixtures.expectChanged(store.change(Fixtures.update("a@b.se", edits)))
                }
            }
            try await group.waitForAll()
        }
        let all = try await changes("a@b.se").changes
        #expect(all.count == 60)
        var held: Held = [:]
        for change in all.reversed() {
            for edit in change.edits {
                #expect(edit.from?.value == held[edit.field], "\(change.position) \(edit.field)")
                #expect(edit.from != edit.to)
                held[edit.field] = edit.to?.value
            }
        }
        #expect(try await self.held("a@b.se") == [2: held])
        #expect(held.keys.count { $0.kind == .attribute && $0.number >= 100 } == 60)
    }

    private func changesAmongPosts() async throws {
        try await found()
        let store = store
        try await withThrowingTaskGroup(of: Void.self) { group in
            for caller in 0..<8 {
                group.addTask {
                    let key = "\(caller % 4)@b.se"
                    for round in 0..<5 {
                        let time = Int64(caller * 10 + round)
                        #expect(try await store.append(Fixtures.batch(key, times: [time])) == .stored)
                        let edits = [Fixtures.set(Int64(caller), .integer(Int64(round)))]
                        try await Fixtures.expectChanged(store.change(Fixtures.update(key, edits)))
                    }
                }
            }
            try await group.waitForAll()
        }
        for caller in 0..<8 {
            let key = "\(caller % 4)@b.se"
            let all = try await changes(key).changes.filter { $0.edits[0].field == .attribute(Int64(caller)) }
            #expect(all.map(\.edits[0].to?.value) == (0..<5).reversed().map { .integer($0) })
            let events = try await page(filter(key)).events
                .filter { $0.eventTime.milliseconds / 10 == Int64(caller) }.map(\.id)
            // What a caller posted before a change has a lower number, and what it posted after it a higher one.
            let order = (zip(events, all).flatMap { [$0.1.position, $0.0] })
            #expect(order == order.sorted(by: >), "\(order)")
            #expect(try await held(key)?[2]?[.attribute(Int64(caller))] == .integer(4))
        }
    }
}
