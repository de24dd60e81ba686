import Foundation
import OvationCore
import OvationTesting
import Synchronization
import Testing

@testable import OvationPostgres

/// Commits without a clear answer, while their connection still works.
@Suite("PostgresStore: commits in doubt", .serialized)
struct DoubtTests {
    /// A server of our own with a standby that never comes, and a store on it.
    private struct Place {
        let server: PostgresServer
        let database: Database
        let store: PostgresStore
        let batch: EventBatch
        /// Asks often, and must not be slow about it.
        private let observer: PostgresConnection

        private static let waiting = Statement(
            "waiting", "SELECT pid::bigint FROM pg_stat_activity WHERE wait_event = 'SyncRep'")
        private static let lookingUp = Statement(
            "looking_up", "SELECT 1::bigint FROM pg_locks WHERE NOT granted AND classid = 1330004548")
        private static let session = Statement(
            "session", "SELECT 1::bigint FROM pg_stat_activity WHERE pid = $1::bigint")

        /// - Parameter answerMax: only a test that waits for its end has a short one: on a busy machine much time passes.
        init(answerMax: Duration = .seconds(120)) async throws {
            server = try PostgresServer()
            database = try Database(server: server)
            observer = try Session.open(ConnectionTarget(database.target), for: .reading, patience: .seconds(30))
            var limits = Database.few
            limits.databaseAnswerMax = answerMax
            store = try database.open(limits)
            try await store.found()
            batch = try Fixtures.batch("a@b.se", times: [1])
            _ = try await store.append(batch)
        }

        func end() throws {
            store.close()
            try server.stop()
        }

        func set(standby name: String?) throws {
            let setting = "synchronous_standby_names"
            try server.query(name.map { "ALTER SYSTEM SET \(setting) = '\($0)'" } ?? "ALTER SYSTEM RESET \(setting)")
            try server.query("SELECT pg_reload_conf()")
        }

        /// Processes of PostgreSQL that wait for the standby.
        func waiters() throws -> [pid_t] {
            try observer.run([Command(Self.waiting)])[0].column(0).map { pid_t($0) }
        }

        func waiter(besides known: [pid_t] = []) async throws -> pid_t {
            var found: pid_t?
            try await SharedDatabaseTests.eventually {
                found = try waiters().first { !known.contains($0) }
                return found != nil
            }
            return try #require(found)
        }

        /// Whether a lane waits for the end of a session with a doubtful commit.
        func isLookingUp() throws -> Bool { try observer.run([Command(Self.lookingUp)])[0].count > 0 }

        func hasSession(_ process: pid_t) throws -> Bool {
            try observer.run(Self.session) { $0.add(Int64(process)) }.count > 0
        }

        func stored() throws -> Int {
            Int(try database.query("SELECT count(*) FROM event")) ?? -1
        }
    }

    /// What somebody was told, once he was.
    private final class Told<Value: Sendable>: Sendable {
        private let told = Mutex<Result<Value, StoreFailure>?>(nil)

        var value: Result<Value, StoreFailure>? { told.withLock { $0 } }

        func set(_ result: Result<Value, StoreFailure>) { told.withLock { $0 = result } }
    }

    /// PostgreSQL heeds a new setting a moment after it was told; until then it stores as before. So something is done
    /// again and again until it waits.
    /// - Returns: the waiting process, and the result for its caller.
    private func wait<Value: Sendable>(
        _ place: Place, for work: @escaping @Sendable (PostgresStore) async throws -> Value
    ) async throws -> (waiter: pid_t, told: Told<Value>) {
        try place.set(standby: "nobody")
        let store = place.store
        while true {
            let told = Told<Value>()
            Task {
                do {
                    told.set(.success(try await work(store)))
                } catch {
                    told.set(.failure(error as? StoreFailure ?? StoreFailure(.unusable, "\(error)")))
                }
            }
            var waiter: pid_t?
            try await SharedDatabaseTests.eventually {
                waiter = try place.waiters().first
                return waiter != nil || told.value != nil
            }
            if let waiter { return (waiter, told) }
        }
    }

    private func postThatWaits(_ place: Place) async throws -> (waiter: pid_t, told: Told<AppendOutcome>) {
        let batch = place.batch
        return try await wait(place) { try await $0.append(batch) }
    }

    private func expectStored(_ told: Told<AppendOutcome>) async throws {
        try await SharedDatabaseTests.eventually { told.value != nil }
        switch told.value {
        case .success(let outcome)?: #expect(outcome == .stored)
        case let other: Issue.record("\(String(describing: other))")
        }
    }

    @Test("a post with a cancelled wait for a standby is found, and acknowledged when the standby has it")
    func findsWhatWasCutOff() async throws {
        let place = try await Place()
        let (waiter, told) = try await postThatWaits(place)
        // No session sees it before its wait is over.
        let stored = try place.stored() + 1
        // PostgreSQL then only warns, and says that it has committed.
        try place.server.query("SELECT pg_cancel_backend(\(waiter))")
        // What proves the commit waits in its turn, and the post is not acknowledged before.
        _ = try await place.waiter(besides: [waiter])
        #expect(told.value == nil)
        try place.set(standby: nil)
        try await expectStored(told)
        #expect(try place.stored() == stored, "it is there once")
        try place.end()
    }

    @Test("a post that waits for a standby longer than an answer may take is found all the same")
    func findsWhatTookTooLong() async throws {
        let place = try await Place(answerMax: .seconds(4))
        let (waiter, told) = try await postThatWaits(place)
        let stored = try place.stored() + 1
        // Its connection is closed, of which a session that waits does not hear; it is told to end.
        _ = try await place.waiter(besides: [waiter])
        #expect(told.value == nil)
        try place.set(standby: nil)
        try await expectStored(told)
        #expect(try place.stored() == stored)
        try place.end()
    }

    @Test("a post with a frozen session of PostgreSQL is found when the session runs again", arguments: [true, false])
    func findsWhatWasFrozen(goesOn: Bool) async throws {
        let place = try await Place(answerMax: .seconds(4))
        let (waiter, told) = try await postThatWaits(place)
        let stored = try place.stored() + 1
        #expect(kill(waiter, SIGSTOP) == 0)
        try await SharedDatabaseTests.eventually { try place.isLookingUp() }
        #expect(told.value == nil)
        if goesOn {
            #expect(kill(waiter, SIGCONT) == 0)
            try place.set(standby: nil)
            try await expectStored(told)
        } else {
            try await SharedDatabaseTests.eventually { told.value != nil }
            #expect(throws: StoreFailure(.outcomeUnknown, "")) { try told.value?.get() }
            #expect(kill(waiter, SIGCONT) == 0)
            try place.set(standby: nil)
        }
        // It was told to end meanwhile, and commits nothing behind anybody's back.
        try await SharedDatabaseTests.eventually { try !place.hasSession(waiter) }
        #expect(try place.stored() == stored)
        try place.end()
    }

    @Test("events that were found repeated are counted once, where the answer to that commit was lost")
    func countsOnce() async throws {
        let place = try await Place()
        let key = Idempotency(key: "k", fingerprint: [1], answer: [7])
        let batch = try Fixtures.batch("a@b.se", times: [1, 2], idempotency: key)
        #expect(try await place.store.append(batch) == .stored)
        let (waiter, told) = try await wait(place) { try await $0.append(batch) }
        let minute = Activity.minute(of: Fixtures.now)
        func duplicates() async throws -> Int64 {
            try await place.store.activity(account: 1, in: minute...minute).minutes[minute]?.duplicates ?? 0
        }
        // No session sees a waiting commit.
        let before = try await duplicates()
        try place.server.query("SELECT pg_cancel_backend(\(waiter))")
        _ = try await place.waiter(besides: [waiter])
        try place.set(standby: nil)
        try await SharedDatabaseTests.eventually { told.value != nil }
        #expect(try told.value?.get() == .duplicate(answer: [7]))
        #expect(try await duplicates() == before + 2)
        try place.end()
    }

    @Test("a change with a cancelled wait for a standby is not acknowledged before the standby has it")
    func provesChanges() async throws {
        let place = try await Place()
        let (waiter, told) = try await wait(place) { store in
            let entry = ActEntry(
                at: Fixtures.now, actor: "me", act: Act(.apiKeyCreated, subject: "s", detail: "d"))
            let key = SigningKey(id: "k", privateKeyPEM: "PEM", createdAt: Fixtures.now)
            let before = try await store.lastSequences()[1]?.keys
            try await store.commit(
                AccountChange(
                    account: Fixtures.account, entries: [], acts: [entry], signingKeys: [key], keysBefore: before))
        }
        let entries = "SELECT count(*) FROM act"
        let before = try place.database.query(entries)
        try place.server.query("SELECT pg_cancel_backend(\(waiter))")
        _ = try await place.waiter(besides: [waiter])
        #expect(told.value == nil)
        try place.set(standby: nil)
        try await SharedDatabaseTests.eventually { told.value != nil }
        #expect(throws: Never.self) { try told.value?.get() }
        #expect(try place.database.query(entries) == String((Int(before) ?? 0) + 1))
        try place.end()
    }

    /// What changes a profile, and the answer that it must have.
    enum Change: String, CaseIterable {
        case value, profile, key, merge

        func change(_ number: Int) throws -> ProfileChange {
            let key = Idempotency(key: "k\(number)", fingerprint: [1], answer: [7])
            return switch self {
            case .value: try Fixtures.update("a@b.se", [Fixtures.set(1, .integer(Int64(number)))])
            case .profile: try Fixtures.update("p\(number)@b.se", [], precondition: .isNew)
            case .key:
                try Fixtures.update("a@b.se", [Fixtures.clear(2)], precondition: .exists, idempotency: key)
            case .merge:
                ProfileChange(
                    profile: try Fixtures.address("web\(number)", keyspace: 4), at: Fixtures.now, actor: "me",
                    precondition: .none,
                    operations: [.merge(try Fixtures.address("a@b.se"), Fixtures.mergeRules)])
            }
        }

        func isRight(_ outcome: ProfileChangeOutcome) -> Bool {
            switch (self, outcome) {
            case (.value, .changed(_?)), (.merge, .changed(_?)), (.profile, .changed(nil)), (.key, .unchanged): true
            default: false
            }
        }
    }

    @Test(
        "a change whose answer was cut off is answered as what it was, also where it left no row",
        arguments: Change.allCases)
    func findsChanges(_ kind: Change) async throws {
        let place = try await Place()
        let count = Mutex(0)
        let (waiter, told) = try await wait(place) { store in
            let number = count.withLock { count in
                count += 1
                return count
            }
            return try await store.change(kind.change(number))
        }
        // No session sees what waits.
        let (table, rows) =
            switch kind {
            case .value: ("profile_change", 1)
            case .profile: ("profile", 1)
            case .key: ("idempotency", 1)
            // On both sides.
            case .merge: ("profile_change", 2)
            }
        let before = Int(try place.database.query("SELECT count(*) FROM \(table)")) ?? 0
        try place.server.query("SELECT pg_cancel_backend(\(waiter))")
        _ = try await place.waiter(besides: [waiter])
        #expect(told.value == nil)
        try place.set(standby: nil)
        try await SharedDatabaseTests.eventually { told.value != nil }
        let outcome = try #require(try told.value?.get())
        #expect(kind.isRight(outcome), "\(outcome)")
        #expect(try place.database.query("SELECT count(*) FROM \(table)") == "\(before + rows)")
        try place.end()
    }
}
