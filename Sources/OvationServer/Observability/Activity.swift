import OvationCore
import Synchronization

/// What became of events in each of the last sixty minutes, by account. In memory and forgotten with the process: it
/// shows an operator what goes on now, and counts nothing that anybody relies on.
final class Activity: Sendable {
    struct Minute: Sendable {
        /// Minutes since 1970.
        var number: Int64
        var refused = 0
        var duplicates = 0
        var accepted: [EventVersion.ID: Int] = [:]
    }

    /// A place for each minute, taken over by another an hour later.
    private let places = Mutex<[Int64: [Minute]]>([:])

    func countAccepted(_ rows: [EventBatch.Row], account: Int64, at time: Timestamp) {
        change(account, time) { minute in
            for row in rows { minute.accepted[row.version, default: 0] += 1 }
        }
    }

    func countAccepted(_ events: [EventVersion.ID: Int], account: Int64, at time: Timestamp) {
        change(account, time) { $0.accepted.merge(events, uniquingKeysWith: +) }
    }

    func countRefused(_ events: Int, account: Int64, at time: Timestamp) {
        change(account, time) { $0.refused += events }
    }

    func countDuplicates(_ events: Int, account: Int64, at time: Timestamp) {
        change(account, time) { $0.duplicates += events }
    }

    /// Every minute of the last hour, oldest first, the running one included.
    func minutes(account: Int64, until time: Timestamp) -> [Minute] {
        let kept = places.withLock { $0[account] ?? [] }
        let last = Activity.minute(of: time)
        let first = last - Int64(Limits.activityMinutes) + 1
        return (first...last).map { number in
            kept.first { $0.number == number } ?? Minute(number: number)
        }
    }

    private func change(_ account: Int64, _ time: Timestamp, _ body: (inout Minute) -> Void) {
        let number = Activity.minute(of: time)
        let place = Int(number % Int64(Limits.activityMinutes))
        places.withLock { places in
            if places[account] == nil {
                places[account] = [Minute](repeating: Minute(number: -1), count: Limits.activityMinutes)
            }
            if places[account]?[place].number != number { places[account]?[place] = Minute(number: number) }
            if places[account] != nil { body(&places[account]![place]) }
        }
    }

    private static func minute(of time: Timestamp) -> Int64 { max(0, time.milliseconds / 60_000) }
}
