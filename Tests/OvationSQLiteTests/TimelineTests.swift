import Foundation
import GRDB
import OvationCore
import OvationTesting
import Synchronization
import Testing

@testable import OvationSQLite

@Suite("Timelines")
struct TimelineTests {
    private let folder: TemporaryFolder
    private var path: String { folder.path + "/ovation.sqlite" }

    init() throws {
        folder = try TemporaryFolder()
    }

    private func open(_ path: String? = nil, events: Int = 16, profiles: Int = 3) throws -> SQLiteStore {
        var limits = Limits()
        (limits.recentEventsMax, limits.recentProfilesMax) = (events, profiles)
        return try SQLiteStore(testing: path ?? self.path, limits: limits)
    }

    // MARK: Blocks

    @Test("what a block is built from comes out of it", arguments: 0..<20 as Range<UInt64>)
    func roundTrips(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let extremes: [Int64] = [.min, -1, 0, 1, 127, 128, 1_602_668_614_471, .max]
        func number(_ random: inout SeededGenerator) -> Int64 {
            Bool.random(using: &random)
                ? extremes.randomElement(using: &random) ?? 0 : .random(in: 0...200, using: &random)
        }
        var builder = TimelineBlock.Builder()
        var entries: [TimelineEntry] = []
        while !builder.isFull {
            let entry = TimelineEntry(
                profile: number(&random), section: number(&random), eventTime: number(&random),
                eventID: number(&random), version: number(&random))
            builder.append(entry)
            entries.append(entry)
        }
        #expect(builder.bytes.count <= TimelineBlock.bytesMax)
        #expect(builder.first == entries.first && builder.last == entries.last && builder.count == entries.count)
        #expect(try builder.bytes.withUnsafeBytes { try TimelineBlock.entries($0) } == entries)
    }

    @Test("bytes that no builder wrote are refused, not read past their end")
    func refusesDamage() throws {
        var builder = TimelineBlock.Builder()
        for id in 1...5 as ClosedRange<Int64> {
            builder.append(TimelineEntry(profile: 77, section: 2, eventTime: 1000 * id, eventID: id, version: 3))
        }
        for length in 1..<builder.bytes.count {
            // A cut between two entries leaves a shorter block; any other cut is damage.
            let cut = Array(builder.bytes.prefix(length))
            let read = cut.withUnsafeBytes { bytes in (try? TimelineBlock.entries(bytes))?.count }
            #expect(read == nil || (read ?? 0) < 5)
        }
        let endless = [UInt8](repeating: 0xFF, count: 40)
        #expect(throws: StoreFailure(.damaged, "")) { try endless.withUnsafeBytes { try TimelineBlock.entries($0) } }
    }

    // MARK: Plans

    @Test("the blocks of a profile are one range of the index, without sorting")
    func plansBlocks() async throws {
        let store = try open()
        defer { store.close() }
        let plan = try await store.plan(of: Timeline.selectBlocks)
        #expect(plan.count == 1, "\(plan)")
        #expect(
            plan[0].contains("USING INDEX timeline_key (run=? AND (profile_id,section,event_time,event_id)<"), "\(plan)"
        )
    }

    // MARK: A life

    /// What the store must answer, kept the simplest way.
    private struct Copy {
        struct Event {
            var id: Int64
            var key: String
            var section: Int64
            var time: Int64
            var version: Int64
        }

        var events: [Event] = []
        var keys: Set<String> = []
        var locked: Set<String> = []

        func newest(_ key: String, _ section: Int64, _ versions: [Int64]?, _ times: Range<Int64>) -> [Int64] {
            events.filter {
                $0.key == key && $0.section == section && times.contains($0.time)
                    && (versions?.contains($0.version) ?? true)
            }
            .sorted { ($0.time, $0.id) > ($1.time, $1.id) }.map(\.id)
        }
    }

    @Test(
        "posts, deletes, merges, restarts and crashes leave what a plain list would have",
        arguments: 1...12 as ClosedRange<UInt64>)
    func history(seed: UInt64) async throws {
        var random = SeededGenerator(seed: seed)
        var place = path
        var store = try open(place)
        try await store.foundWithDefinitions()
        var copy = Copy()
        var given = Int64(0)
        for step in 1...160 {
            switch Int.random(in: 0..<21, using: &random) {
            case 0..<12:
                let key = "p\(Int.random(in: 0..<9, using: &random))@b.se"
                let section = Int64.random(in: 2...3, using: &random)
                let version = Int64.random(in: 1...3, using: &random)
                let times = (0..<Int.random(in: 1...12, using: &random)).map { _ in
                    Int64.random(in: 0..<50, using: &random)
                }
                let outcome = try await store.append(
                    Fixtures.batch(key, times: times, version: version, section: section))
                guard !copy.locked.contains(key) else {
                    #expect(outcome == .refused([RefusedProfile(index: 0, state: .locked)]))
                    continue
                }
                #expect(outcome == .stored)
                copy.keys.insert(key)
                for time in times {
                    given += 1
                    copy.events.append(.init(id: given, key: key, section: section, time: time, version: version))
                }
            case 12..<14: try await delete(from: store, &copy, &random)
            case 14..<18: try await store.workBetweenPosts()
            case 18:
                let key = "p\(Int.random(in: 0..<9, using: &random))@b.se"
                let isNew = copy.keys.contains(key) && !copy.locked.contains(key)
                given += isNew ? 1 : 0
                let expected: ProfileChangeOutcome =
                    isNew ? .changed(position: given) : copy.keys.contains(key) ? .unchanged : .noProfile
                #expect(try await store.change(Fixtures.lock(key)) == expected)
                if isNew { copy.locked.insert(key) }
            case 19:
                store.close()
                store = try open(place)
            default:
                let crashed = folder.path + "/crash-\(step).sqlite"
                try await store.copyFiles(from: place, to: crashed)
                store.close()
                place = crashed
                store = try open(place)
            }
            try await compare(store, copy, &random)
        }
        store.close()
        let findings = SQLiteDoctor.findings(path: place, isDeep: true)
        #expect(findings.allSatisfy { $0.isGood }, "\(findings.map(\.text))")
    }

    @Test("a profile that is locked after its move, while its arrival is still there, is locked after a crash too")
    func locksMovedProfiles() async throws {
        let store = try open()
        try await store.foundWithDefinitions()
        // The fourth begins to move the first three, and the next transaction ends that.
        for number in 0..<4 { _ = try await store.append(Fixtures.batch("p\(number)@b.se", times: [1])) }
        try await store.write { _, appender in try appender.workIdly() }
        for number in 0..<3 { Fixtures.expectChanged(try await store.change(Fixtures.lock("p\(number)@b.se"))) }
        let crashed = folder.path + "/crash.sqlite"
        try await store.copyFiles(from: path, to: crashed)
        store.close()
        let again = try open(crashed)
        defer { again.close() }
        for number in 0..<3 {
            let outcome = try await again.append(Fixtures.batch("p\(number)@b.se", times: [2]))
            #expect(outcome == .refused([RefusedProfile(index: 0, state: .locked)]), "\(number)")
        }
        #expect(try await again.append(Fixtures.batch("p3@b.se", times: [2])) == .stored)
    }

    @Test("a profile is locked for good though the transaction that forgot its arrival was not committed")
    func locksAfterFailedCommit() async throws {
        struct Full: Error {}
        let store = try open()
        try await store.foundWithDefinitions()
        for number in 0..<4 { _ = try await store.append(Fixtures.batch("p\(number)@b.se", times: [1])) }
        // The move ends; the transaction that removes the arrivals of the first three fails.
        try await store.write { _, appender in try appender.workIdly() }
        await #expect(throws: (any Error).self) {
            try await store.write { _, appender in
                try appender.workIdly()
                throw Full()
            }
        }
        Fixtures.expectChanged(try await store.change(Fixtures.lock("p0@b.se")))
        let left = try await store.write { database, _ in
            try Int.fetchOne(
                database, sql: "SELECT count(*) FROM profile_arrival JOIN profile USING (profile_id) WHERE state <> 0")
        }
        #expect(left == 0)
        // What such a failure may have left in older stores is passed over.
        try await store.write { database, _ in
            try database.execute(
                sql: """
                    INSERT INTO profile_arrival (profile_id, account_id, keyspace, key, created_at)
                    SELECT profile_id, account_id, keyspace, key, created_at FROM profile WHERE state <> 0
                    """)
        }
        store.close()
        let again = try open()
        defer { again.close() }
        let outcome = try await again.append(Fixtures.batch("p0@b.se", times: [2]))
        #expect(outcome == .refused([RefusedProfile(index: 0, state: .locked)]))
        #expect(try await again.append(Fixtures.batch("p1@b.se", times: [2])) == .stored)
    }

    private func delete(
        from store: SQLiteStore, _ copy: inout Copy, _ random: inout SeededGenerator
    ) async throws {
        guard let event = copy.events.randomElement(using: &random) else { return }
        var filter = EventFilter(profile: try Fixtures.address(event.key), section: event.section)
        let isOne = Bool.random(using: &random)
        var times = Int64.min..<Int64.max
        if !isOne {
            times = event.time..<(event.time + 10)
            filter.from = Timestamp(milliseconds: times.lowerBound)
            filter.to = Timestamp(milliseconds: times.upperBound)
            if Bool.random(using: &random) { filter.versions = [event.version] }
        }
        let gone = isOne ? [event.id] : copy.newest(event.key, event.section, filter.versions, times)
        let deletion = try await store.deleteEvents(
            filter, id: isOne ? event.id : nil,
            recordedAs: { Act(.eventsDeleted, subject: "s", detail: "\($0)") }, at: Fixtures.now, by: "test")
        #expect(deletion?.count == gone.count)
        copy.events.removeAll { gone.contains($0.id) }
    }

    private func compare(_ store: SQLiteStore, _ copy: Copy, _ random: inout SeededGenerator) async throws {
        let key = "p\(Int.random(in: 0..<9, using: &random))@b.se"
        let section = Int64.random(in: 2...3, using: &random)
        var filter = EventFilter(profile: try Fixtures.address(key), section: section)
        let from = Int64.random(in: 0..<40, using: &random)
        if Bool.random(using: &random) { filter.versions = [1, 3] }
        var times = Int64.min..<Int64.max
        if Bool.random(using: &random) {
            times = from..<(from + 15)
            filter.from = Timestamp(milliseconds: from)
            filter.to = Timestamp(milliseconds: from + 15)
        }
        var ids: [Int64] = []
        var position: EventPosition?
        let limit = Int.random(in: 1...9, using: &random)
        repeat {
            let page = try await store.events(filter, after: position, limit: limit)
            #expect((page != nil) == copy.keys.contains(key))
            ids += page?.events.map(\.id) ?? []
            position = page?.next
        } while position != nil
        #expect(ids == copy.newest(key, section, filter.versions, times))
        let mine = copy.events.filter { $0.key == key }
        let counts = try await store.counts(of: filter.profile)
        #expect((counts?.counts.reduce(0) { $0 + $1.events } ?? 0) == mine.count)
        let days = try await store.days(filter)
        #expect((days?.reduce(0) { $0 + $1.events } ?? 0) == ids.count)
        let found = try await store.profiles(
            ProfileSearch(account: 1, prefixes: [1: "p"], limit: 50, timeMax: .seconds(9)))
        #expect(found.profiles.map { $0.keys[0].text } == copy.keys.sorted())
        #expect(Set(found.profiles.filter { $0.state == .locked }.map { $0.keys[0].text }) == copy.locked)
        if let first = found.profiles.first {
            #expect(try await store.profile(.id(first.id, account: 1)) == first)
        }
    }

    @Test("a reader sees every acknowledged event once while runs are written and merged")
    func readsMeanwhile() async throws {
        let store = try open(events: 64, profiles: 8)
        defer { store.close() }
        try await store.foundWithDefinitions()
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        _ = try await store.append(Fixtures.batch("a@b.se", times: [0]))
        let begun = Begun()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for reader in 0..<3 {
                group.addTask {
                    for _ in 0..<400 {
                        let before = store.statistics().eventsStored
                        let counts = try await store.counts(of: filter.profile)
                        let count = counts?.counts.reduce(0) { $0 + $1.events } ?? 0
                        #expect(count >= before, "reader \(reader)")
                        #expect(count <= begun.events.withLock { $0 }, "reader \(reader)")
                    }
                }
            }
            group.addTask {
                for time in 1...600 as ClosedRange<Int64> {
                    begun.events.withLock { $0 += 20 }
                    _ = try await store.append(
                        Fixtures.batch("a@b.se", times: (0..<20).map { (time * 7919 + $0 * 104_729) % 100_000 }))
                    if time.isMultiple(of: 5) { try await store.workBetweenPosts() }
                }
            }
            try await group.waitForAll()
        }
        #expect(try await store.counts(of: filter.profile)?.counts.map(\.events) == [12_001])
    }

    @Test("runs are merged, and what they were merged from goes")
    func merges() async throws {
        let store = try open(events: 64)
        defer { store.close() }
        try await store.foundWithDefinitions()
        for time in 0..<300 as Range<Int64> {
            _ = try await store.append(Fixtures.batch("a@b.se", times: (0..<10).map { time * 10 + $0 }))
        }
        for _ in 0..<60 { try await store.workBetweenPosts() }
        let levels = try await store.levels()
        #expect(levels.values.allSatisfy { $0 < Compactor.fanOut }, "\(levels)")
        #expect(levels.keys.contains { $0 >= 2 }, "\(levels)")
        let blocks = try await store.write { database, _ in
            try Int.fetchOne(
                database, sql: "SELECT count(*) FROM timeline WHERE run NOT IN (SELECT run FROM timeline_run)") ?? -1
        }
        #expect(blocks == 0)
    }

    @Test("the log grows while a reader keeps its snapshot, and begins anew when it has gone")
    func logWithLongReader() async throws {
        let store = try open(events: 1000)
        defer { store.close() }
        try await store.foundWithDefinitions()
        func post(_ count: Int) async throws -> Int {
            for _ in 0..<count {
                _ = try await store.append(
                    Fixtures.batch(
                        "a@b.se", times: Array(0..<50), data: #"{"text":"\#(String(repeating: "x", count: 4000))"}"#))
            }
            return try FileManager.default.attributesOfItem(atPath: path + "-wal")[.size] as? Int ?? 0
        }
        // About fifty pages a post: a copy every twenty posts keeps the log short.
        let pages = Int(WriteAheadLog.pagesMax) * 4096
        #expect(try await post(100) < 2 * pages)
        var configuration = Configuration()
        (configuration.readonly, configuration.allowsUnsafeTransactions) = (true, true)
        let reader = try DatabaseQueue(path: path, configuration: configuration)
        try reader.inDatabase { try $0.execute(sql: "BEGIN; SELECT count(*) FROM event") }
        let grown = try await post(100)
        #expect(grown > 4 * pages)
        try reader.inDatabase { try $0.execute(sql: "COMMIT") }
        try reader.close()
        // The file keeps its size and is written again from its start.
        #expect(try await post(100) <= grown + pages)
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        #expect(try await store.counts(of: filter.profile)?.counts.map(\.events) == [15_000])
    }

    @Test("what is deleted after runs were merged is overwritten, as before")
    func overwritesAfterMerges() async throws {
        let store = try open(events: 4)
        defer { store.close() }
        try await store.foundWithDefinitions()
        for time in 0..<200 as Range<Int64> {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [time]))
            try await store.workBetweenPosts()
        }
        #expect(try await store.levels().keys.contains { $0 > 0 }, "runs were merged")
        #expect(
            try await store.write { database, _ in
                try Int.fetchOne(database, sql: "SELECT count(*) FROM timeline_run WHERE state = 2") ?? 0
            } == 0)
        #expect(try await store.pragmasOfWriter().last == "1")
    }

    @Test("a group that fails leaves memory and runs as they were")
    func rollsBack() async throws {
        let store = try open(events: 4)
        defer { store.close() }
        try await store.foundWithDefinitions()
        for time in 0..<30 as Range<Int64> {
            _ = try await store.append(Fixtures.batch("a@b.se", times: [time, time]))
            let stranger = EventBatch(
                profile: ProfileAddress(
                    account: 9, keyspace: 1, key: try ProfileKey("x@y.se", format: .email), foundingID: ProfileID(time)),
                section: 2, receivedAt: Fixtures.now,
                events: [.init(eventTime: Fixtures.now, version: 1, dataEnd: 2)], data: Array("{}".utf8),
                idempotency: nil)
            await #expect(throws: StoreFailure.self) { _ = try await store.append(stranger) }
        }
        let filter = EventFilter(profile: try Fixtures.address("a@b.se"), section: 2)
        #expect(try await store.events(filter, after: nil, limit: 100)?.events.count == 60)
    }
}

extension SQLiteStore {
    /// As the writer does when no post comes.
    func workBetweenPosts() async throws {
        try await write { _, appender in try appender.workIdly() }
    }

    func levels() async throws -> [Int: Int] {
        try await write { database, _ in
            let levels = try Int.fetchAll(database, sql: "SELECT level FROM timeline_run WHERE state <> 2")
            return Dictionary(levels.map { ($0, 1) }, uniquingKeysWith: +)
        }
    }
}

/// Events of posts that have begun.
private final class Begun: Sendable {
    let events = Mutex(Int64(1))
}
