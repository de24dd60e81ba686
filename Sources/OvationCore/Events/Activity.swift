/// The outcomes of events in some minutes, by the server's clock when they came. They are counted in the commits that
/// store the events, so they match the stored events, over restarts and over all servers of a store.
public struct Activity: Sendable, Equatable {
    /// Events by outcome.
    public struct Counts: Sendable, Equatable {
        public var accepted: Int64
        /// If the events of a refused post cannot be counted, it counts as one.
        public var refused: Int64
        /// Repeated with an idempotency key, and not stored again.
        public var duplicates: Int64

        public init(accepted: Int64 = 0, refused: Int64 = 0, duplicates: Int64 = 0) {
            self.accepted = accepted
            self.refused = refused
            self.duplicates = duplicates
        }

        public static func += (left: inout Counts, right: Counts) {
            left.accepted += right.accepted
            left.refused += right.refused
            left.duplicates += right.duplicates
        }
    }

    /// What events are counted as.
    public enum Subject: Sendable, Hashable {
        /// A version says which type and which section.
        case version(EventVersion.ID)
        /// Of a refused post, what named no version of that section: its number in the account.
        case section(Int64)
    }

    /// Everything has been counted since; what came before has not.
    public var since: Timestamp
    /// Those in which something came, by their number since 1970.
    public var minutes: [Int64: Counts]
    /// All of the minutes together.
    public var subjects: [Subject: Counts]

    public init(since: Timestamp, minutes: [Int64: Counts] = [:], subjects: [Subject: Counts] = [:]) {
        self.since = since
        self.minutes = minutes
        self.subjects = subjects
    }

    public mutating func add(_ counts: Counts, minute: Int64) {
        minutes[minute, default: Counts()] += counts
    }

    public mutating func add(_ counts: Counts, of subject: Subject) {
        subjects[subject, default: Counts()] += counts
    }

    /// The minute of a moment, by its number since 1970.
    public static func minute(of time: Timestamp) -> Int64 { max(0, time.milliseconds / 60_000) }
}

/// Events that are counted, where nothing else of them is written.
public struct CountedEvents: Sendable, Equatable {
    public enum Outcome: Sendable {
        case refused, duplicate
    }

    public var account: Int64
    /// Number of the section in the account.
    public var section: Int64
    public var receivedAt: Timestamp
    public var outcome: Outcome
    public var events: Int
    /// How many of them are of which version of the section, as far as that can be told.
    public var versions: [EventVersion.ID: Int]

    public init(
        account: Int64, section: Int64, receivedAt: Timestamp, outcome: Outcome, events: Int,
        versions: [EventVersion.ID: Int] = [:]
    ) {
        self.account = account
        self.section = section
        self.receivedAt = receivedAt
        self.outcome = outcome
        self.events = events
        self.versions = versions
    }
}
