/// A profile: its id, and every key that leads to it.
public struct Profile: Sendable, Equatable {
    public struct Key: Sendable, Hashable {
        /// Number of the keyspace in the account.
        public let keyspace: Int64
        public let text: String

        public init(keyspace: Int64, text: String) {
            self.keyspace = keyspace
            self.text = text
        }
    }

    /// Of the canonical member.
    public let id: ProfileID
    /// The canonical one first, then in the order in which they were joined.
    public let members: [ProfileMember]
    public let state: ProfileState

    /// - Parameter members: at least one; the canonical one first.
    public init(members: [ProfileMember], state: ProfileState = .open) {
        precondition(!members.isEmpty, "a profile has a member")
        id = members[0].id
        self.members = members
        self.state = state
    }

    /// A profile that nothing was ever merged with.
    /// - Parameter key: nil: it was taken from it.
    public init(id: ProfileID, key: Key?, createdAt: Timestamp, state: ProfileState = .open) {
        self.init(members: [ProfileMember(id: id, key: key, createdAt: createdAt)], state: state)
    }

    /// The same for somebody who may not know of some keys.
    public func showing(_ isShown: (Key) -> Bool) -> Profile {
        Profile(
            members: members.map {
                ProfileMember(
                    id: $0.id, key: $0.key.flatMap { isShown($0) ? $0 : nil }, createdAt: $0.createdAt,
                    joining: $0.joining)
            }, state: state)
    }

    /// That of the canonical member first, if it has one.
    public var keys: [Key] { members.compactMap(\.key) }
    /// When the canonical member was made.
    public var createdAt: Timestamp { members[0].createdAt }
}

/// The two ways to name a profile.
public enum ProfileReference: Sendable {
    case address(ProfileAddress)
    case id(ProfileID, account: Int64)
}

/// How many events a profile has, by section and version.
public struct ProfileCounts: Sendable, Equatable {
    public struct Count: Sendable, Equatable {
        /// Number of the section in the account.
        public let section: Int64
        public let version: EventVersion.ID
        public let events: Int64
        /// The newest `event_time` among them.
        public let newest: Timestamp

        public init(section: Int64, version: EventVersion.ID, events: Int64, newest: Timestamp) {
            self.section = section
            self.version = version
            self.events = events
            self.newest = newest
        }
    }

    /// Ordered by section and version.
    public let counts: [Count]
    /// When the event that came last was received; nil without events.
    public let lastSeenAt: Timestamp?

    public init(counts: [Count], lastSeenAt: Timestamp?) {
        self.counts = counts
        self.lastSeenAt = lastSeenAt
    }
}

/// The events of one UTC day.
public struct EventDay: Sendable, Equatable {
    /// Days since 1970-01-01.
    public let day: Int64
    public let events: Int64

    public init(day: Int64, events: Int64) {
        self.day = day
        self.events = events
    }
}

/// A search for profiles with a key that begins with a text.
public struct ProfileSearch: Sendable {
    public var account: Int64
    /// The beginning of the keys, by keyspace number: keyspaces may write keys differently.
    public var prefixes: [Int64: String]
    public var limit: Int
    /// How long to go on looking; profiles have no index over their keys.
    public var timeMax: Duration

    public init(account: Int64, prefixes: [Int64: String], limit: Int, timeMax: Duration) {
        self.account = account
        self.prefixes = prefixes
        self.limit = limit
        self.timeMax = timeMax
    }
}

public struct ProfileMatches: Sendable, Equatable {
    /// Ordered by key.
    public let profiles: [Profile]
    /// Whether there may be more than these: the limit or the time ended the search.
    public let isComplete: Bool

    public init(profiles: [Profile], isComplete: Bool) {
        self.profiles = profiles
        self.isComplete = isComplete
    }
}

/// What has been stored of one version in the whole account.
public struct VersionUsage: Sendable, Equatable {
    public let version: EventVersion.ID
    /// Events stored now; deleted ones do not count.
    public let events: Int64
    /// When the last one was received.
    public let lastSeenAt: Timestamp

    public init(version: EventVersion.ID, events: Int64, lastSeenAt: Timestamp) {
        self.version = version
        self.events = events
        self.lastSeenAt = lastSeenAt
    }
}
