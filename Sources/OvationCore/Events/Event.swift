/// The events of one request, checked and ready to store.
public struct EventBatch: Sendable {
    public let profile: ProfileAddress
    /// Number of the section in the account.
    public let section: Int64
    public let receivedAt: Timestamp
    public let events: [Row]
    /// The `data` of all events as compact JSON, one after the other.
    public let data: [UInt8]
    public let idempotency: Idempotency?
    /// The rejection that these events put right; it is closed in the same transaction.
    public let replayOf: Rejection.ID?

    public struct Row: Sendable, Equatable {
        public let eventTime: Timestamp
        public let version: EventVersion.ID
        /// Where its JSON ends in ``EventBatch/data``; it begins where the one before ends.
        public let dataEnd: Int

        public init(eventTime: Timestamp, version: EventVersion.ID, dataEnd: Int) {
            self.eventTime = eventTime
            self.version = version
            self.dataEnd = dataEnd
        }
    }

    public init(
        profile: ProfileAddress, section: Int64, receivedAt: Timestamp, events: [Row], data: [UInt8],
        idempotency: Idempotency?, replayOf: Rejection.ID? = nil
    ) {
        self.profile = profile
        self.section = section
        self.receivedAt = receivedAt
        self.events = events
        self.data = data
        self.idempotency = idempotency
        self.replayOf = replayOf
    }
}

/// A promise that a request takes effect once: its key, what it said, and the answer to repeat.
public struct Idempotency: Sendable {
    /// Unique per account. It includes the API key and the section besides the client's own key, so that no client can
    /// use the keys of others, by guessing or by chance.
    public let key: String
    /// The key as it was kept up to version 0.2: what the client sent, for the whole account. It counts where the
    /// request is the same, so that a repeat after an update is still known, and nowhere else.
    public let formerKey: String?
    /// SHA-256 over the address and the body.
    public let fingerprint: [UInt8]
    /// Body of the answer; empty for 204.
    public let answer: [UInt8]

    public init(key: String, formerKey: String? = nil, fingerprint: [UInt8], answer: [UInt8]) {
        self.key = key
        self.formerKey = formerKey
        self.fingerprint = fingerprint
        self.answer = answer
    }

    /// - Parameters:
    ///   - sent: what the client sent: printable ASCII.
    ///   - part: of an upload that is stored in parts, each of which counts once.
    public init(
        _ sent: String, of clientID: String, section: Int64, part: Int? = nil, fingerprint: [UInt8], answer: [UInt8]
    ) {
        // Joined by a control character, which none of them has.
        let former = ([sent] + (part.map { [String($0)] } ?? [])).joined(separator: "\u{1F}")
        self.init(
            key: "\(section)\u{1F}\(clientID)\u{1F}\(former)", formerKey: former, fingerprint: fingerprint,
            answer: answer)
    }

    /// The same promise with an answer that was not known before.
    public func answered(_ answer: [UInt8]) -> Idempotency {
        Idempotency(key: key, formerKey: formerKey, fingerprint: fingerprint, answer: answer)
    }
}

public enum AppendOutcome: Sendable, Equatable {
    case stored
    /// The same request was stored before; its answer again.
    case duplicate(answer: [UInt8])
    /// The idempotency key was used for another request.
    case conflict
    /// The rejection was replayed before, or is gone; nothing was stored.
    case notOpen
    /// These profiles take no events. Nothing was stored, no key is remembered, and a rejection stays open.
    case refused([RefusedProfile])
}

/// A profile that takes no events any more.
public struct RefusedProfile: Sendable, Equatable {
    /// Place in ``EventChunk/profiles``; 0 for a batch.
    public let index: Int
    public let state: ProfileState

    public init(index: Int, state: ProfileState) {
        self.index = index
        self.state = state
    }
}

/// An event as it is read back.
public struct StoredEvent: Sendable, Equatable {
    public let id: Int64
    public let eventTime: Timestamp
    public let receivedAt: Timestamp
    public let version: EventVersion.ID
    /// Compact JSON.
    public let data: String

    public init(id: Int64, eventTime: Timestamp, receivedAt: Timestamp, version: EventVersion.ID, data: String) {
        self.id = id
        self.eventTime = eventTime
        self.receivedAt = receivedAt
        self.version = version
        self.data = data
    }
}

/// Which events of a profile in a section are meant.
public struct EventFilter: Sendable {
    public var profile: ProfileAddress
    public var section: Int64
    /// Only these versions; nil means all.
    public var versions: [EventVersion.ID]?
    /// From this moment on.
    public var from: Timestamp?
    /// Up to, not including.
    public var to: Timestamp?

    public init(
        profile: ProfileAddress, section: Int64, versions: [EventVersion.ID]? = nil, from: Timestamp? = nil,
        to: Timestamp? = nil
    ) {
        self.profile = profile
        self.section = section
        self.versions = versions
        self.from = from
        self.to = to
    }
}

/// A place in the order of events, newest first: by time, and among equal times by id.
public struct EventPosition: Sendable, Comparable {
    public let eventTime: Timestamp
    public let id: Int64

    public init(eventTime: Timestamp, id: Int64) {
        self.eventTime = eventTime
        self.id = id
    }

    /// The lower one is older, and so comes later.
    public static func < (one: EventPosition, other: EventPosition) -> Bool {
        (one.eventTime, one.id) < (other.eventTime, other.id)
    }
}

public struct EventPage: Sendable, Equatable {
    public let events: [StoredEvent]
    /// Where the next page begins; nil on the last.
    public let next: EventPosition?

    public init(events: [StoredEvent], next: EventPosition?) {
        self.events = events
        self.next = next
    }
}
