import Foundation
import OvationCore
import OvationRows
import OvationSQLite
import OvationTesting
import Testing

@testable import OvationPostgres

/// A store moves to the other engine, and a client cannot tell.
@Suite("Copying a store", .serialized)
struct StoreCopyTests {
    typealias Engine = CopyPlace.Engine

    /// Runs and recent profiles of SQLite get going with few events.
    private static func limits(_ seed: UInt64) -> Limits {
        var limits = seed.isMultiple(of: 2) ? Database.few : Database.crowded
        if seed.isMultiple(of: 3) { (limits.recentEventsMax, limits.recentProfilesMax) = (16, 3) }
        return limits
    }

    private static func comparisons(
        _ outcome: StoreCopy.Outcome, sourceLocation: SourceLocation = #_sourceLocation
    ) throws -> [StoreCopy.Comparison] {
        guard case .compared(let comparisons) = outcome else {
            Issue.record("\(outcome)", sourceLocation: sourceLocation)
            return []
        }
        #expect(comparisons.map(\.kind) == RowKind.allCases, sourceLocation: sourceLocation)
        for comparison in comparisons {
            #expect(comparison.isSame, "\(comparison)", sourceLocation: sourceLocation)
        }
        return comparisons
    }

    @Test(
        "every answer is the same afterwards, ids and cursors included",
        arguments: [
            (Engine.sqlite, Engine.postgres), (.postgres, .sqlite), (.sqlite, .sqlite), (.postgres, .postgres),
        ],
        1...3 as ClosedRange<UInt64>)
    func answersAlike(_ engines: (from: Engine, to: Engine), seed: UInt64) async throws {
        let (source, target) = (try CopyPlace(engines.from), try CopyPlace(engines.to))
        let accounts: [Int64] = seed == 3 ? [1, 2] : [1]
        let limits = Self.limits(seed)
        let before = try await source.serve(limits) { store in
            try await CopyHistory(seed: seed).play(on: store, accounts: accounts)
            return try await CopyHistory.answers(of: store, accounts: accounts)
        }
        let kinds = try Self.comparisons(try await source.copy(to: target, bytesMax: seed == 2 ? 40 : 1_000_000))
        #expect(kinds.allSatisfy { $0.source.count > 0 }, "\(kinds)")
        let after = try await target.serve(limits) { try await CopyHistory.answers(of: $0, accounts: accounts) }
        #expect(before.count == after.count)
        for (before, after) in zip(before, after) { #expect(before == after, "seed \(seed)") }
    }

    @Test("there and back again, the checksums are the same, and other rows have others")
    func roundTrip() async throws {
        let (first, middle, last) = (try CopyPlace(.sqlite), try CopyPlace(.postgres), try CopyPlace(.sqlite))
        try await first.serve { try await CopyHistory(seed: 7).play(on: $0) }
        let there = try Self.comparisons(try await first.copy(to: middle, rowsMax: 5))
        let back = try Self.comparisons(try await middle.copy(to: last))
        #expect(there.map(\.source.checksum) == back.map(\.target.checksum))
        #expect(Set(there.map(\.source.checksum)).count == RowKind.allCases.count)
    }

    @Test("no id is given again, and keys of idempotency hold", arguments: Engine.allCases, Engine.allCases)
    func goesOn(_ from: Engine, _ to: Engine) async throws {
        let (source, target) = (try CopyPlace(from), try CopyPlace(to))
        let key = Idempotency(key: "once", fingerprint: [1], answer: [2])
        let batch = try Fixtures.batch("a@b.se", times: [1, 2, 3], receivedAt: CopyPlace.end, idempotency: key)
        let filter = EventFilter(profile: batch.profile, section: 2)
        let (lastEvent, lastRejection) = try await source.serve { store in
            try await CopyHistory(seed: 1).play(on: store)
            _ = try await store.append(batch)
            let id = try #require(try await store.events(filter, after: nil, limit: 1)?.events.first?.id)
            // The highest ids are those of rows that are gone.
            _ = try await store.deleteEvents(
                filter, id: id, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
                at: CopyPlace.end, by: "me")
            let rejection = try await store.keep(Fixtures.refusedPost(receivedAt: CopyPlace.end))
            _ = try await store.dismissRejection(rejection, account: 1)
            return (id, rejection)
        }
        _ = try Self.comparisons(try await source.copy(to: target))
        try await target.serve { store in
            #expect(try await store.append(batch) == .duplicate(answer: [2]))
            #expect(try await store.events(filter, after: nil, limit: 9)?.events.count == 2)
            var range = ExportRange(account: 1, section: 2, after: 0, limit: 1000, bytesMax: 1_000_000)
            range.after = try await store.events(of: range).newest
            _ = try await store.append(Fixtures.batch("a@b.se", times: [9], receivedAt: CopyPlace.end))
            let new = try #require(try await store.events(filter, after: nil, limit: 1)?.events.first)
            #expect(new.eventTime.milliseconds == 9 && new.id > lastEvent)
            #expect(try await store.keep(Fixtures.refusedPost(receivedAt: CopyPlace.end)) > lastRejection)
            // An export goes on behind what was copied.
            #expect(try await store.events(of: range).rows.map(\.id) == [new.id])
        }
    }

    // MARK: Breaks

    @Test("broken off after any write, it goes on where it was", arguments: Engine.allCases, [1, 4, 9, 23, 61])
    func resumes(_ to: Engine, writes: Int) async throws {
        let (source, target) = (try CopyPlace(to == .sqlite ? .postgres : .sqlite), try CopyPlace(to))
        try await source.serve { try await CopyHistory(seed: 5).play(on: $0) }
        var runs = 0
        while true {
            runs += 1
            let outcome: StoreCopy.Outcome? = try await source.withRows(as: .source) { source in
                try await target.withRows(as: .target) { target in
                    let breaking = BreakingTarget(target, after: writes * runs)
                    do throws(StoreFailure) {
                        return try await StoreCopy(from: source, to: breaking, now: { CopyPlace.end }).run()
                    } catch {
                        #expect(error.code == .unavailable, "\(error)")
                        return nil
                    }
                }
            }
            if let outcome {
                _ = try Self.comparisons(outcome)
                break
            }
            try #require(runs < 500)
            // What is half there is not served.
            await #expect(throws: StoreFailure(.unusable, "")) { try await target.serve { _ in } }
        }
        #expect(runs > 1)
        let before = try await source.serve { try await CopyHistory.answers(of: $0) }
        #expect(try await target.serve { try await CopyHistory.answers(of: $0) } == before)
        guard case .wasFinished(let at) = try await source.copy(to: target) else {
            Issue.record("it was copied again")
            return
        }
        #expect(at == CopyPlace.end)
    }

    // MARK: Refusals

    private func refusal(_ work: () async throws -> Void) async -> String {
        do {
            try await work()
        } catch {
            return (error as? StoreFailure)?.message ?? "\(error)"
        }
        return "nothing was refused"
    }

    @Test("a target that is not empty is refused, and nothing in it changes", arguments: Engine.allCases)
    func refusesFullTarget(_ engine: Engine) async throws {
        let (source, target) = (try CopyPlace(.sqlite), try CopyPlace(engine))
        try await source.serve { try await CopyHistory(seed: 1).play(on: $0, steps: 5) }
        let before = try await target.serve { store in
            try await CopyHistory(seed: 2).play(on: store, steps: 20)
            return try await CopyHistory.answers(of: store)
        }
        #expect(await refusal { _ = try await source.copy(to: target) }.contains("not empty"))
        #expect(try await target.serve { try await CopyHistory.answers(of: $0) } == before)
    }

    @Test("the copy of one store is no target for another", arguments: Engine.allCases)
    func refusesOtherTarget(_ engine: Engine) async throws {
        let (one, other, target) = (try CopyPlace(.sqlite), try CopyPlace(.postgres), try CopyPlace(engine))
        for (place, seed) in [(one, UInt64(1)), (other, 2)] {
            try await place.serve { try await CopyHistory(seed: seed).play(on: $0, steps: 9) }
        }
        _ = try Self.comparisons(try await one.copy(to: target))
        #expect(await refusal { _ = try await other.copy(to: target) }.contains("another store"))
    }

    @Test("a source that was written to meanwhile ends the copy", arguments: Engine.allCases, 0..<4)
    func refusesChangedSource(_ engine: Engine, change: Int) async throws {
        let (source, target) = (try CopyPlace(engine), try CopyPlace(.postgres))
        try await source.serve { try await CopyHistory(seed: 1).play(on: $0, steps: 20) }
        let broken = await refusal {
            try await source.withRows(as: .source) { source in
                try await target.withRows(as: .target) { target in
                    _ = try await StoreCopy(
                        from: source, to: BreakingTarget(target, after: 8), now: { CopyPlace.end }
                    ).run()
                }
            }
        }
        #expect(broken == "broken off")
        try await source.serve { store in
            switch change {
            case 0: _ = try await store.append(Fixtures.batch("a@b.se", times: [1]))
            case 1: _ = try await store.keep(Fixtures.refusedPost(receivedAt: CopyPlace.end))
            case 2:
                try await store.commit(
                    AccountChange(account: Fixtures.account, entries: [], keyUses: ["admin-1": CopyPlace.end]))
            default:
                let filter = EventFilter(profile: try CopyHistory.address("p1@b.se", 1), section: 2)
                _ = try await store.append(
                    Fixtures.batch("p1@b.se", times: [1], id: filter.profile.foundingID.value))
                _ = try await store.deleteEvents(
                    filter, id: nil, recordedAs: { _ in Act(.eventsDeleted, subject: "", detail: "") },
                    at: CopyPlace.end, by: "me")
            }
        }
        #expect(await refusal { _ = try await source.copy(to: target) }.contains("was written to"))
    }

    @Test("what a server has open is not copied, and what is copied is not opened", arguments: Engine.allCases)
    func excludesServers(_ engine: Engine) async throws {
        let (source, target) = (try CopyPlace(engine), try CopyPlace(engine))
        try await source.serve { store in
            try await CopyHistory(seed: 1).play(on: store, steps: 9)
            let said = await refusal { _ = try await source.copy(to: target) }
            #expect(
                said.contains(engine == .sqlite ? "another process" : "a server of Ovation is connected"), "\(said)")
        }
        try await source.withRows(as: .source) { _ in
            let said = await refusal { try await source.serve { _ in } }
            #expect(said.contains(engine == .sqlite ? "another process" : "it is being copied"), "\(said)")
            let again = await refusal { _ = try await source.copy(to: target) }
            #expect(again.contains(engine == .sqlite ? "another process" : "another copy is under way"), "\(again)")
        }
        // And then both can be.
        _ = try Self.comparisons(try await source.copy(to: target))
        try await source.serve { _ in }
        try await target.serve { _ in }
    }

    @Test("every table is copied, or is known to be made anew")
    func coversTables() async throws {
        let database = try Database()
        try database.open().close()
        let tables = try database.query("SELECT tablename FROM pg_tables WHERE schemaname = 'ovation' ORDER BY 1")
        let copied = [
            "account", "act", "api_key", "catalogue_log", "event", "idempotency", "profile", "profile_change",
            "profile_data", "profile_member", "erasure", "mapped_attribute", "rejection",
            "setting", "signing_key", "version_usage",
        ]
        #expect(copied.count == RowKind.allCases.count)
        #expect(
            tables.split(separator: "\n").map(String.init)
                == (copied + ["activity", "consent_count", "job", "migration", "node_usage", "profile_value"]).sorted())
        for (table, kind) in [
            ("act", RowKind.act), ("api_key", .apiKey), ("event", .event), ("idempotency", .idempotency),
            ("profile", .profile), ("profile_change", .profileChange), ("profile_data", .profileData),
            ("profile_member", .profileMember), ("rejection", .rejection), ("setting", .setting),
            ("signing_key", .signingKey),
        ] {
            let columns = try database.query(
                "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'ovation' AND table_name = '\(table)'"
            )
            #expect(Int(columns) == kind.columns.count, "\(table)")
        }
        // Numbers of key changes begin anew, notes of acts are in the log for older servers only, and attributes that are being
        // mapped or unmapped are not copied.
        for (table, kind) in [
            ("account", RowKind.account), ("catalogue_log", .logEntry), ("mapped_attribute", .mappedAttribute),
        ] {
            let columns = try database.query(
                "SELECT count(*) FROM information_schema.columns WHERE table_schema = 'ovation' AND table_name = '\(table)'"
            )
            #expect(Int(columns) == kind.columns.count + 1, "\(table)")
        }
    }

    @Test("a page of changes ends where it has enough bytes, and the next goes on there")
    func boundsChanges() async throws {
        let place = try CopyPlace(.postgres)
        try await place.serve { store in
            try await store.found()
            for number in 0..<5 {
                let text = String(repeating: "\(number)", count: 1000)
                _ = try await store.change(Fixtures.update("a@b.se", [Fixtures.set(1, .string(text))]))
            }
        }
        let counts = try await place.withRows(as: .source, rowsMax: 100, bytesMax: 1500) { rows in
            var counts: [Int] = []
            var next: RowPosition?
            repeat {
                let page = try await rows.rows(of: .profileChange, after: next)
                counts.append(page.rows.count)
                next = page.next
            } while next != nil
            return counts
        }
        #expect(counts == [2, 2, 1])
    }

    @Test("rows that differ are found, and the target stays closed", arguments: Engine.allCases, RowKind.allCases)
    func findsDifferences(_ engine: Engine, kind: RowKind) async throws {
        let (source, target) = (try CopyPlace(.postgres), try CopyPlace(engine))
        try await source.serve { try await CopyHistory(seed: 1).play(on: $0, steps: 40) }
        let outcome = try await source.withRows(as: .source, rowsMax: 1000) { source in
            try await target.withRows(as: .target, rowsMax: 1000) { target in
                try await StoreCopy(
                    from: source, to: ForgetfulTarget(target: target, kind: kind), now: { CopyPlace.end }
                ).run()
            }
        }
        guard case .compared(let comparisons) = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(comparisons.filter { !$0.isSame }.map(\.kind) == [kind])
        await #expect(throws: StoreFailure(.unusable, "")) { try await target.serve { _ in } }
    }
}

/// A target that gives back its last row of a kind with one bit changed.
private struct ForgetfulTarget: RowTarget {
    let target: any RowTarget
    let kind: RowKind

    func origin() async throws(StoreFailure) -> RowOrigin { try await target.origin() }

    func rows(of kind: RowKind, after position: RowPosition?) async throws(StoreFailure) -> RowPage {
        let page = try await target.rows(of: kind, after: position)
        guard kind == self.kind, !page.rows.isEmpty else { return page }
        var rows = RowBatch(kind)
        let (width, last) = (kind.columns.count, page.rows.count - 1)
        let changed = (0..<width).last { !(page.rows.content(last, $0) ?? 0..<0).isEmpty }
        for row in 0..<page.rows.count {
            for column in 0..<width {
                guard let content = page.rows.content(row, column) else {
                    rows.appendNull()
                    continue
                }
                var bytes = Array(page.rows.bytes[content])
                if row == last, column == changed { bytes[bytes.count - 1] ^= 1 }
                bytes.withUnsafeBytes { rows.append(bytes: $0) }
            }
        }
        return RowPage(rows, next: page.next)
    }

    func note() async throws(StoreFailure) -> CopyNote? { try await target.note() }

    func write(_ rows: RowBatch?, _ note: CopyNote) async throws(StoreFailure) { try await target.write(rows, note) }

    func makeReady(after origin: RowOrigin) async throws(StoreFailure) { try await target.makeReady(after: origin) }
}
