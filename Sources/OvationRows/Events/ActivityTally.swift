package import OvationCore

/// The rows that a group of posts adds to the table `activity`, one for each key.
package struct ActivityTally: Sendable {
    package struct Key: Hashable, Comparable, Sendable {
        package let minute: Int64
        package let account: Int64
        /// 0: that of the version.
        package let section: Int64
        /// 0: no known version.
        package let version: EventVersion.ID

        package init(minute: Int64, account: Int64, section: Int64 = 0, version: EventVersion.ID = 0) {
            self.minute = minute
            self.account = account
            self.section = section
            self.version = version
        }

        package static func < (left: Key, right: Key) -> Bool {
            (left.minute, left.account, left.section, left.version)
                < (right.minute, right.account, right.section, right.version)
        }
    }

    package private(set) var rows: [Key: Activity.Counts] = [:]

    package init() {}

    package var isEmpty: Bool { rows.isEmpty }

    package mutating func removeAll() {
        guard !rows.isEmpty else { return }
        rows.removeAll(keepingCapacity: true)
    }

    /// A minute of a version that has ended, or events of another minute than the others.
    package mutating func add(accepted events: Int64, of version: EventVersion.ID, account: Int64, minute: Int64) {
        guard events > 0 else { return }
        rows[Key(minute: minute, account: account, version: version), default: Activity.Counts()].accepted += events
    }

    package mutating func addDuplicates(of batch: EventBatch) {
        let minute = Activity.minute(of: batch.receivedAt)
        for event in batch.events {
            let key = Key(minute: minute, account: batch.profile.account, version: event.version)
            rows[key, default: Activity.Counts()].duplicates += 1
        }
    }

    package mutating func addDuplicates(of chunk: EventChunk) {
        let minute = Activity.minute(of: chunk.receivedAt)
        for row in chunk.rows {
            let key = Key(minute: minute, account: chunk.account, version: row.version)
            rows[key, default: Activity.Counts()].duplicates += 1
        }
    }

    /// The refused lines of an upload, beside its stored ones.
    package mutating func addRefused(of chunk: EventChunk) {
        guard chunk.refused > 0 else { return }
        add(
            CountedEvents(
                account: chunk.account, section: chunk.section, receivedAt: chunk.receivedAt, outcome: .refused,
                events: chunk.refused))
    }

    package mutating func add(_ rejection: PackedRejection) {
        let post = rejection.post
        add(
            CountedEvents(
                account: post.account, section: post.section, receivedAt: post.receivedAt, outcome: .refused,
                events: max(post.eventCount, 1), versions: rejection.versions))
    }

    package mutating func add(_ events: CountedEvents) {
        let minute = Activity.minute(of: events.receivedAt)
        func counts(_ number: Int) -> Activity.Counts {
            switch events.outcome {
            case .refused: Activity.Counts(refused: Int64(number))
            case .duplicate: Activity.Counts(duplicates: Int64(number))
            }
        }
        var rest = events.events
        for (version, number) in events.versions {
            rest -= number
            rows[Key(minute: minute, account: events.account, version: version), default: Activity.Counts()] += counts(
                number)
        }
        guard rest > 0 else { return }
        rows[Key(minute: minute, account: events.account, section: events.section), default: Activity.Counts()] +=
            counts(rest)
    }
}

/// The minute of the last events of a version, and the number of events in it so far. It is in the row of the version's
/// usage, which a group writes in any case; when the minute ends, it becomes a row of `activity`.
package struct RunningMinute: Sendable {
    package var minute: Int64
    package var events: Int64

    package init(minute: Int64 = 0, events: Int64 = 0) {
        self.minute = minute
        self.events = events
    }

    /// - Parameter ended: called with the minute before, if it was another.
    package mutating func add(_ count: Int, at minute: Int64, ended: (RunningMinute) -> Void) {
        if minute != self.minute {
            if events > 0 { ended(self) }
            self = RunningMinute(minute: minute)
        }
        events += Int64(count)
    }
}
