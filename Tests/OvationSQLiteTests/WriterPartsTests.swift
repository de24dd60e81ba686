import GRDB
import OvationCore
import OvationRows
import OvationTesting
import Testing

@testable import OvationSQLite

@Suite("SQLite: parts of the writer")
struct WriterPartsTests {
    private struct Refusal: Error, Equatable {}

    private func withDatabase(_ body: (Database) throws -> Void) throws {
        try DatabaseQueue().writeWithoutTransaction { database in
            try database.execute(sql: "CREATE TABLE number (value INTEGER PRIMARY KEY) STRICT")
            try body(database)
        }
    }

    private func failure(_ work: () throws -> Void) -> (any Error)? {
        do {
            try work()
            return nil
        } catch {
            return error
        }
    }

    private func numbers(_ database: Database) throws -> [Int] {
        try Int.fetchAll(database, sql: "SELECT value FROM number ORDER BY value")
    }

    @Test("a transaction commits what its work did, and is ready for the next")
    func commits() throws {
        try withDatabase { database in
            let transaction = try WriteTransaction(database)
            for value in 1...2 {
                try transaction.run { try database.execute(sql: "INSERT INTO number VALUES (\(value))") }
            }
            #expect(try numbers(database) == [1, 2])
        }
    }

    @Test("arrivals that a transaction removed are there again for memory too, when it was not committed")
    func remembersArrivals() throws {
        try withDatabase { database in
            try database.execute(
                sql: """
                    CREATE TABLE profile (profile_id INTEGER PRIMARY KEY, account_id, keyspace, key, created_at,
                        state INTEGER DEFAULT 0);
                    CREATE TABLE profile_arrival (arrival INTEGER PRIMARY KEY, profile_id, account_id, keyspace, key,
                        created_at);
                    INSERT INTO profile_arrival VALUES (1, 10, 1, 1, 'a', 0), (2, 20, 1, 1, 'b', 0);
                    """)
            let recent = RecentProfiles()
            try recent.load(database)
            let mover = try ProfileMover(database, recent: recent, capacity: 2)
            let transaction = try WriteTransaction(database)
            try transaction.run { try mover.work(forNew: 10) }
            mover.didCommit()
            #expect(mover.leavesArrivals)
            let error = failure {
                try transaction.run {
                    try mover.work(forNew: 10)
                    throw Refusal()
                }
            }
            #expect(error as? Refusal == Refusal())
            mover.reset()
            #expect(mover.leavesArrivals, "the rows came back")
            try transaction.run { try mover.work(forNew: 10) }
            mover.didCommit()
            #expect(!mover.leavesArrivals)
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM profile_arrival") == 0)
        }
    }

    @Test("of work that fails nothing stays, and the next transaction begins")
    func rollsBack() throws {
        try withDatabase { database in
            let transaction = try WriteTransaction(database)
            let error = failure {
                try transaction.run {
                    try database.execute(sql: "INSERT INTO number VALUES (1)")
                    throw Refusal()
                }
            }
            #expect(error is Refusal)
            #expect(try numbers(database) == [])
            try transaction.run { try database.execute(sql: "INSERT INTO number VALUES (2)") }
            #expect(try numbers(database) == [2])
        }
    }

    @Test("a transaction that a failure inside it ended is no commit, even where the work hides the failure")
    func aborted() throws {
        try withDatabase { database in
            let transaction = try WriteTransaction(database)
            let error = failure {
                try transaction.run {
                    try database.execute(sql: "INSERT INTO number VALUES (1)")
                    try? database.execute(sql: "INSERT OR ROLLBACK INTO number VALUES (1)")
                }
            }
            #expect((error as? DatabaseError)?.resultCode == .SQLITE_ABORT)
            #expect(try numbers(database) == [])
            try transaction.run { try database.execute(sql: "INSERT INTO number VALUES (3)") }
            #expect(try numbers(database) == [3])
        }
    }

    @Test("a commit that fails leaves nothing behind")
    func failedCommit() throws {
        try withDatabase { database in
            try database.execute(sql: "PRAGMA foreign_keys = ON")
            try database.execute(
                sql: """
                    CREATE TABLE note (value INTEGER REFERENCES number (value) DEFERRABLE INITIALLY DEFERRED) STRICT
                    """)
            let transaction = try WriteTransaction(database)
            // Looked at when the transaction commits, and not before.
            let error = failure {
                try transaction.run { try database.execute(sql: "INSERT INTO note VALUES (7)") }
            }
            #expect((error as? DatabaseError)?.resultCode == .SQLITE_CONSTRAINT)
            try transaction.run { try database.execute(sql: "INSERT INTO number VALUES (4)") }
            #expect(try Int.fetchOne(database, sql: "SELECT count(*) FROM note") == 0)
            #expect(try numbers(database) == [4])
        }
    }

    @Test("rejections that a group forgot come back with its rollback, and the next group forgets them")
    func forgetsAgain() throws {
        let queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue)
        try queue.writeWithoutTransaction { database in
            try database.execute(sql: "INSERT INTO account (account_id, name, created_at) VALUES (1, 'a', 0)")
            let transaction = try WriteTransaction(database)
            let rejections = try RejectionAppender(database, countMax: 100, age: .seconds(60))
            let late = Fixtures.now.advanced(by: .seconds(61))
            func count() throws -> Int? { try Int.fetchOne(database, sql: "SELECT count(*) FROM rejection") }

            try transaction.run {
                _ = try rejections.keep(PackedRejection(Fixtures.refusedPost(), versions: [:]))
                try rejections.finishGroup(at: Fixtures.now)
            }
            let error = failure {
                try transaction.run {
                    try rejections.finishGroup(at: late)
                    #expect(try count() == 0)
                    throw Refusal()
                }
            }
            #expect(error is Refusal)
            rejections.undoGroup()
            #expect(try count() == 1)
            try transaction.run { try rejections.finishGroup(at: late) }
            #expect(try count() == 0)
        }
    }

    @Test("what an erased profile leaves is removed in one group, and then in none before a pause has passed")
    func pausesBetweenErasures() throws {
        let queue = try DatabaseQueue()
        try Schema.migrator.migrate(queue)
        try queue.writeWithoutTransaction { database in
            let erasures = try ErasureAppender(database, memtable: Memtable(), ProfileDataAppender(database))
            let pause = ErasureAppender.pauseInGroups
            let start = ContinuousClock.now
            #expect(erasures.isDueInGroup(at: start))
            #expect(!erasures.isDueInGroup(at: start + pause - .milliseconds(1)))
            #expect(erasures.isDueInGroup(at: start + pause))
            // With nothing left, no group does a step.
            _ = try erasures.work(cost: 1, committed: 0, removesEvents: true)
            #expect(!erasures.isDueInGroup(at: start + pause * 3))
            erasures.undo()
            #expect(erasures.isDueInGroup(at: start + pause * 3))
        }
    }
}
