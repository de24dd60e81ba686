import Foundation
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationPostgres

/// What several servers on one database do to what a profile holds.
@Suite("PostgresStore: data of profiles", .serialized)
struct ProfileDataTests {
    private let database: Database

    init() throws {
        database = try Database()
    }

    private func session() throws -> PostgresConnection {
        try Session.open(ConnectionTarget(database.target), for: .writing, patience: .seconds(30))
    }

    /// Until a session waits for a row that another one has.
    private func awaitWaiter() async throws {
        try await SharedDatabaseTests.eventually {
            try database.query(
                "SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype IN ('transactionid', 'tuple')") != "0"
        }
    }

    // MARK: The log and the index

    private static let all = Statement(
        "test_changes", "SELECT position, profile_id, section, edits FROM profile_change ORDER BY position")
    private static let indexes = Statement(
        "test_indexes", "SELECT profile_id, section, fields FROM profile_data ORDER BY profile_id, section")

    /// Reads all changes in their order, and expects that each knows those before it, and that the indexes are what follows.
    /// - Returns: the positions.
    @discardableResult
    private func expectWhole(location: SourceLocation = #_sourceLocation) throws -> [Int64] {
        let connection = try session()
        let rows = try connection.run(Self.all)
        var touched: [GroupData.Place: [ProfileField: Int64]] = [:]
        var cleared: [GroupData.Place: Set<ProfileField>] = [:]
        var positions: [Int64] = []
        for row in 0..<rows.count {
            let place = GroupData.Place(profile: rows.int64(row, 1), section: rows.int64OrNil(row, 2) ?? 0)
            let edits = try #require(PackedEdits(bytes: rows.bytes(row, 3)), sourceLocation: location)
            positions.append(rows.int64(row, 0))
            for edit in edits.edits {
                let before = touched[place]?[edit.field]
                #expect(edit.previous == before, "change \(positions.count)", sourceLocation: location)
                touched[place, default: [:]][edit.field] = positions.last
                let isCleared = edit.value == nil && edit.field != .life
                if isCleared {
                    cleared[place, default: []].insert(edit.field)
                } else {
                    cleared[place]?.remove(edit.field)
                }
            }
        }
        let stored = try connection.run(Self.indexes)
        #expect(stored.count == touched.count, sourceLocation: location)
        for row in 0..<stored.count {
            let place = GroupData.Place(profile: stored.int64(row, 0), section: stored.int64(row, 1))
            let index = try #require(FieldIndex(bytes: stored.bytes(row, 2)), sourceLocation: location)
            let entries = index.entries.map { ($0.field, $0.position) }
            #expect(Dictionary(uniqueKeysWithValues: entries) == touched[place], sourceLocation: location)
            let gone = Set(index.entries.filter(\.isCleared).map(\.field))
            #expect(gone == cleared[place] ?? [], sourceLocation: location)
        }
        return positions
    }

    // MARK: Several servers

    @Test("of changes that servers make of one profile at once none is lost", arguments: 1...4 as ClosedRange<UInt64>)
    func losesNothing(seed: UInt64) async throws {
        let stores = [try database.open(), try database.open(Database.crowded), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        let outcomes = try await withThrowingTaskGroup(of: [ProfileChangeOutcome].self) { group in
            for task in 0..<9 {
                group.addTask {
                    var random = SeededGenerator(seed: seed * 100 + UInt64(task))
                    var outcomes: [ProfileChangeOutcome] = []
                    for _ in 0..<12 {
                        // Two keys have one hash, and all that is written is of few fields.
                        let key = ["a@b.se", "b@b.se", "c@b.se"].randomElement(using: &random) ?? ""
                        let edits = (Int64(1)...3).filter { _ in Bool.random(using: &random) }.map { number in
                            Int.random(in: 0..<5, using: &random) == 0
                                ? Fixtures.clear(number)
                                : Fixtures.set(number, .integer(Int64.random(in: 0...3, using: &random)))
                        }
                        let change = ProfileChange(
                            profile: try Fixtures.address(key, id: key == "c@b.se" ? 9 : 7), at: Fixtures.now,
                            actor: "task \(task)", precondition: .none,
                            operations: [2, 3].filter { _ in Bool.random(using: &random) }.map {
                                .update(section: $0, edits)
                            })
                        outcomes.append(try await stores[task % 3].change(change))
                        if Int.random(in: 0..<4, using: &random) == 0 {
                            _ = try await stores[(task + 1) % 3].append(
                                Fixtures.batch(key, times: [1], id: key == "c@b.se" ? 9 : 7))
                        }
                    }
                    return outcomes
                }
            }
            return try await group.reduce(into: []) { $0 += $1 }
        }
        let positions = try expectWhole()
        let told = outcomes.compactMap { outcome -> Int64? in
            if case .changed(let position) = outcome { position } else { nil }
        }
        #expect(Set(told).count == told.count && Set(told).isSubset(of: positions))
        // The rest changed nothing, but made a profile.
        #expect(outcomes.count { $0 == .changed(position: nil) } <= 3)
        for outcome in outcomes {
            if case .changed = outcome { continue }
            #expect(outcome == .unchanged)
        }
        #expect(try database.query("SELECT count(*), count(DISTINCT key) FROM profile") == "3|3")
    }

    @Test("of servers that make one profile at once, one has made it", arguments: 0..<6)
    func makesOnce(round: Int) async throws {
        let stores = try (0..<3).map { _ in try database.open() }
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        for number in 0..<5 {
            let change = try Fixtures.update(
                "p\(number)@b.se", [Fixtures.set(1, .integer(Int64(round)))], precondition: .isNew)
            let outcomes = try await withThrowingTaskGroup(of: ProfileChangeOutcome.self) { group in
                for store in stores { group.addTask { try await store.change(change) } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .exists } == 2, "\(outcomes)")
        }
        #expect(try expectWhole().count == 5)
    }

    private func lock(_ profile: Int64) -> Command {
        Command(DataSQL.lock) {
            $0.add([profile])
            $0.add([Int64(2)])
        }
    }

    /// As another server does it, which has drawn a number and not yet committed.
    private func write(
        _ connection: PostgresConnection, profile: Int64, _ index: inout FieldIndex, _ edit: ProfileEdit
    ) throws -> Int64 {
        let position = try connection.run(WriteSQL.drawEvents) { $0.add(1) }.int64(0, 0)
        let isThere = !index.entries.isEmpty
        let changed = index.apply([edit], at: position, knowing: [:])
        let (edits, fields) = (try #require(changed).bytes, index.bytes)
        try connection.run([
            Command(ChangeSQL.insertChanges) { arguments in
                for number in [position, 1, profile] { arguments.add([number]) }
                arguments.add(["updated"])
                for number: Int64 in [-1, 0] { arguments.add([number]) }
                arguments.add(["other"])
                arguments.add([Int64(2)])
                arguments.addList(of: .bytes, count: 1) { list in list.append(bytes: edits) }
            },
            Command(isThere ? DataSQL.save : DataSQL.insert) { arguments in
                arguments.add([profile])
                arguments.add([Int64(2)])
                arguments.addList(of: .bytes, count: 1) { list in list.append(bytes: fields) }
            },
        ])
        return position
    }

    @Test("a change that comes while another server makes the first of the same profile comes after it")
    func waitsForFirst() async throws {
        let store = try database.open()
        defer { store.close() }
        try await store.found()
        _ = try await store.append(Fixtures.batch("a@b.se", times: [1], id: 7))
        let other = try session()
        try other.run([Command(.begin), Command(Locks.shareOrder)])
        var index = FieldIndex()
        let first = try write(other, profile: 7, &index, Fixtures.set(1, .string("first")))
        async let outcome = store.change(Fixtures.update("a@b.se", [Fixtures.set(1, .string("second"))], id: 7))
        try await awaitWaiter()
        try other.run([Command(.commit)])
        guard case .changed(let second?) = try await outcome else {
            Issue.record("\(try await outcome)")
            return
        }
        #expect(try expectWhole() == [first, second])
    }

    @Test("a change whose profile another server changes meanwhile has the higher number", arguments: [true, false])
    func numbersInOrder(isCollision: Bool) async throws {
        let before = try database.open()
        defer { before.close() }
        try await before.found()
        // The second of one hash is not where it is looked for first.
        for key in ["z@b.se", "a@b.se"] { _ = try await before.append(Fixtures.batch(key, times: [1], id: 7)) }
        let key = isCollision ? "a@b.se" : "z@b.se"
        let profile: Int64 = try #require(
            try await before.profile(.address(Fixtures.address(key, id: 7)))?.id.value)
        let first = try await before.change(Fixtures.update(key, [Fixtures.set(1, .string("first"))], id: 7))
        guard case .changed(let position?) = first else {
            Issue.record("\(first)")
            return
        }
        // One that remembers no profile.
        let store = try database.open()
        defer { store.close() }
        let other = try session()
        let rows = try other.run([Command(.begin), Command(Locks.shareOrder), lock(profile)])[2]
        var index = try #require(FieldIndex(bytes: rows.bytes(0, 2)))
        async let outcome = store.change(Fixtures.update(key, [Fixtures.set(1, .string("third"))], id: 7))
        try await awaitWaiter()
        let second = try write(other, profile: profile, &index, Fixtures.set(1, .string("second")))
        try other.run([Command(.commit)])
        guard case .changed(let third?) = try await outcome else {
            Issue.record("\(try await outcome)")
            return
        }
        #expect(try expectWhole() == [position, second, third])
        let filter = ProfileChangeFilter(profile: try Fixtures.address(key, id: 7), sections: [2], limit: 9)
        let texts = try #require(try await store.changes(filter)).changes.map(\.edits[0].to?.value)
        #expect(texts == [.string("third"), .string("second"), .string("first")])
    }

    @Test("posts to a profile do not wait for those who change what it holds")
    func postsDoNotWait() async throws {
        let stores = [try database.open(), try database.open()]
        defer { for store in stores { store.close() } }
        try await stores[0].found()
        Fixtures.expectChanged(try await stores[0].change(Fixtures.update("a@b.se", [Fixtures.tag(1)])))
        let other = try session()
        let profile = try Fixtures.address("a@b.se").foundingID.value
        try other.run([Command(.begin), Command(Locks.shareOrder), lock(profile)])
        async let outcome = stores[0].change(Fixtures.update("a@b.se", [Fixtures.tag(2)]))
        try await awaitWaiter()
        #expect(try await stores[1].append(Fixtures.batch("a@b.se", times: [1])) == .stored)
        try other.run([Command(.commit)])
        Fixtures.expectChanged(try await outcome)
    }

    @Test("a change whose row another server keeps is given up in time, and the posts beside it are stored")
    func givesUp() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        Fixtures.expectChanged(try await store.change(Fixtures.update("a@b.se", [Fixtures.tag(1)])))
        let other = try session()
        let profile = try Fixtures.address("a@b.se").foundingID.value
        try other.run([Command(.begin), Command(Locks.shareOrder), lock(profile)])
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask {
                let change = try Fixtures.update("a@b.se", [Fixtures.tag(2)])
                await #expect(throws: StoreFailure(.unavailable, "")) { _ = try await store.change(change) }
            }
            for number in 0..<5 {
                group.addTask {
                    let outcome = try await store.append(Fixtures.batch("b@b.se", times: [Int64(number)]))
                    #expect(outcome == .stored)
                }
            }
            try await group.waitForAll()
        }
        try other.run([Command(.commit)])
        Fixtures.expectChanged(try await store.change(Fixtures.update("a@b.se", [Fixtures.tag(2)])))
    }

    @Test("a profile whose data cannot be read is damaged, and what shares its group is stored")
    func isolatesDamage() async throws {
        var limits = Database.few
        limits.writerLanes = 1
        let store = try database.open(limits)
        defer { store.close() }
        try await store.found()
        let keys = (0..<9).map { "p\($0)@b.se" }
        for key in keys {
            Fixtures.expectChanged(try await store.change(Fixtures.update(key, [Fixtures.tag(1)])))
        }
        let damaged = [try Fixtures.address("p3@b.se"), try Fixtures.address("p5@b.se")]
        _ = try database.query(
            """
            UPDATE profile_data SET fields = '\\x07' WHERE profile_id = \(damaged[0].foundingID.value);
            UPDATE profile_change SET edits = '\\x07' WHERE profile_id = \(damaged[1].foundingID.value);
            """)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for key in keys {
                group.addTask {
                    // The tag is set already, and the other is not.
                    let change = try Fixtures.update(key, [Fixtures.tag(1), Fixtures.tag(2)])
                    guard key == "p3@b.se" || key == "p5@b.se" else {
                        return Fixtures.expectChanged(try await store.change(change))
                    }
                    await #expect(throws: StoreFailure(.damaged, "")) { _ = try await store.change(change) }
                }
                group.addTask {
                    let outcome = try await store.append(Fixtures.batch("e\(key)", times: [1]))
                    #expect(outcome == .stored)
                }
            }
            try await group.waitForAll()
        }
        for profile in damaged {
            await #expect(throws: StoreFailure(.damaged, "")) { _ = try await store.data(of: profile, in: nil) }
            let filter = ProfileChangeFilter(profile: profile, sections: [2], limit: 9)
            await #expect(throws: StoreFailure(.damaged, "")) { _ = try await store.changes(filter) }
        }
    }

    // MARK: Stores from before

    @Test("locks from before profiles held data are where their history begins")
    func takesOverLocks() async throws {
        let positions: [Int64] = [1, 127, 128, 300, 16_383, 16_384, 1 << 40, .max]
        let before = Schema.migrations.prefix(5)
        _ = try database.query(
            Schema.ledger.joined(separator: ";") + ";"
                + before.flatMap(\.statements).joined(separator: ";") + ";"
                + before.map { "INSERT INTO migration (number, name) VALUES (\($0.number), '\($0.name)')" }
                .joined(separator: ";") + ";"
                + positions.enumerated().map { number, position in
                    """
                    INSERT INTO profile VALUES (\(number), 1, 1, 'p\(number)@b.se', 0, NULL, 1);
                    INSERT INTO profile_change VALUES (\(position), 1, \(number), 'locked', 1, 5, 'me');
                    """
                }.joined())
        let store = try database.open()
        defer { store.close() }
        #expect(try expectWhole() == positions)
        for (number, position) in positions.enumerated() {
            let address = try Fixtures.address("p\(number)@b.se", id: Int64(number))
            let filter = ProfileChangeFilter(profile: address, sections: [2], limit: 9)
            let changes = try #require(try await store.changes(filter)).changes
            #expect(changes.map(\.position) == [position] && changes.map(\.kind) == [.locked])
            #expect(changes[0].section == nil && changes[0].edits.isEmpty && changes[0].actor == "me")
            #expect(try await store.data(of: address, in: nil)?.sections == [])
        }
    }
}
