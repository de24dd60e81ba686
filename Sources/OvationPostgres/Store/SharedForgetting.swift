import OvationCore
import Synchronization

/// The time by which the lanes and readers of a server remove old rows.
final class SharedForgetting: Sendable {
    private let forgetting: Mutex<Forgetting>

    init(_ forgetting: Forgetting) {
        self.forgetting = Mutex(forgetting)
    }

    func time(_ now: Timestamp) -> Timestamp { forgetting.withLock { $0.time(now) } }

    func noteIfDue(_ now: Timestamp) -> Timestamp? { forgetting.withLock { $0.noteIfDue(now) } }
}

/// The last believed time, from which the next server continues.
enum ClockNote {
    static func read(_ connection: PostgresConnection) throws(PostgresFailure) -> Timestamp? {
        let rows = try connection.run(ReadSQL.believedTime)
        guard rows.count == 1 else { return nil }
        let number = rows.bytes(0, 0).reduce(Int64(0)) { $0 << 8 | Int64($1) }
        return Timestamp(milliseconds: number)
    }

    static func save(_ time: Timestamp) -> Command {
        Command(WriteSQL.saveBelievedTime) {
            $0.add(withUnsafeBytes(of: time.milliseconds.bigEndian) { Array($0) })
        }
    }
}
