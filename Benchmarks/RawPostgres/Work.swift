import Foundation
import Synchronization

/// What each session does again and again until the time is over.
enum Work: String {
    /// ROWS events in one statement and one commit.
    case unnest
    /// One event in one commit.
    case single
    /// The newest fifty events of a random profile that the store has.
    case newest
}

/// The article's event as the server stores it, and what its columns are called.
private let data = Array(
    """
    {"myNumberField":27183,"myNumberWithDecimalField":213.21,"myTextField":"some transaction",\
    "myTrueFalseField":false,"source":"some web shop"}
    """.utf8)
private let columns = "event_id, profile_id, section, event_time, version_id, account_id, received_at, data"
private let version: Int64 = 2_565_266
/// 2025-01-01, from which the times of events spread over a year.
private let firstTime: Int64 = 1_735_689_600_000
private let year: Int64 = 365 * 86_400_000

struct Assignment: Sendable {
    let work: Work
    let target: String
    let sessions: Int
    let rows: Int
    let seconds: Double
    let profiles: Int64

    /// The table has the columns, the key and the index of the store's.
    func makeTable() {
        let session = Session(target)
        session.execute("DROP SCHEMA IF EXISTS raw CASCADE")
        session.execute("CREATE SCHEMA raw")
        session.execute("CREATE TABLE raw.event (LIKE ovation.event INCLUDING ALL)")
    }

    /// Milliseconds of each step of all sessions, and the seconds that they took together.
    func run() -> (milliseconds: [Double], seconds: Double) {
        if work != .newest { makeTable() }
        let stored = work == .newest ? storedProfiles() : Stored(section: 1, profiles: [])
        // All are connected before the first begins.
        let workers = (0..<sessions).map { Worker(number: $0, self, stored) }
        let start = ContinuousClock.now
        let end = start.advanced(by: .seconds(seconds))
        let times = Collected()
        let done = DispatchGroup()
        for worker in workers {
            done.enter()
            // Threads of their own: a queue would run no more of them at once than there are cores.
            Thread {
                times.add(worker.run(until: end))
                done.leave()
            }.start()
        }
        done.wait()
        return (times.all, (ContinuousClock.now - start) / .seconds(1))
    }

    private func storedProfiles() -> Stored {
        let session = Session(target)
        let sections = session.numbers("SELECT section FROM ovation.event LIMIT 1")
        let profiles = session.numbers("SELECT profile_id FROM ovation.profile ORDER BY profile_id LIMIT 200000")
        guard let section = sections.first, !profiles.isEmpty else { fail("the store has no events") }
        return Stored(section: section, profiles: profiles)
    }
}

/// What can be read. The benchmark posts to one section only.
private struct Stored: Sendable {
    let section: Int64
    let profiles: [Int64]
}

private final class Collected: Sendable {
    private let times = Mutex<[Double]>([])

    var all: [Double] { times.withLock { $0 } }

    func add(_ new: [Double]) { times.withLock { $0 += new } }
}

// Made on one thread and then run by one other alone.
private final class Worker: @unchecked Sendable {
    private let assignment: Assignment
    private let session: Session
    private let stored: Stored
    private var nextID: Int64
    private var dice = SystemRandomNumberGenerator()

    init(number: Int, _ assignment: Assignment, _ stored: Stored) {
        self.assignment = assignment
        self.stored = stored
        nextID = Int64(number) << 40
        session = Session(assignment.target)
        switch assignment.work {
        case .unnest:
            session.prepare(
                "step",
                "INSERT INTO raw.event (\(columns)) SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], "
                    + "$4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[], $8::text[])")
        case .single:
            session.prepare(
                "step",
                "INSERT INTO raw.event (\(columns)) VALUES ($1::bigint, $2::bigint, $3::bigint, $4::bigint, "
                    + "$5::bigint, $6::bigint, $7::bigint, $8::text)")
        case .newest:
            session.prepare(
                "step",
                "SELECT event_id, event_time, received_at, version_id, data FROM ovation.event "
                    + "WHERE profile_id = $1::bigint AND section = $2::bigint "
                    + "ORDER BY event_time DESC, event_id DESC LIMIT 50")
        }
    }

    func run(until end: ContinuousClock.Instant) -> [Double] {
        var times: [Double] = []
        var begin = ContinuousClock.now
        while begin < end {
            step()
            let now = ContinuousClock.now
            times.append((now - begin) / .milliseconds(1))
            begin = now
        }
        return times
    }

    private func step() {
        switch assignment.work {
        case .unnest:
            let count = assignment.rows
            func all(_ value: Int64) -> [UInt8] { binary([Int64](repeating: value, count: count)) }
            session.run(
                "step",
                [
                    binary((0..<count).map { _ in drawID() }),
                    binary((0..<count).map { _ in randomProfile() }.sorted()),
                    all(1), binary((0..<count).map { _ in randomTime() }), all(version), all(1), all(firstTime + year),
                    binary(data, times: count),
                ])
        case .single:
            session.run(
                "step",
                [
                    binary(drawID()), binary(randomProfile()), binary(1), binary(randomTime()), binary(version),
                    binary(1), binary(firstTime + year), data,
                ])
        case .newest:
            let profile = stored.profiles.randomElement(using: &dice) ?? 0
            if session.run("step", [binary(profile), binary(stored.section)]) == 0 { fail("a profile has no events") }
        }
    }

    private func drawID() -> Int64 {
        nextID += 1
        return nextID
    }

    /// Spread like the store's ids, which are hashes.
    private func randomProfile() -> Int64 {
        Int64.random(in: 1...assignment.profiles, using: &dice) &* 0x1E37_79B9_7F4A_7C15
    }

    private func randomTime() -> Int64 { firstTime + Int64.random(in: 0..<year, using: &dice) }
}
