/// A post of events that was refused, kept so that somebody can see why, put it right and post it again.
///
/// Of a lenient post only what was refused is here. `body` and `key` are personal data and never reach a log.
public struct RefusedPost: Sendable, Equatable {
    public var account: Int64
    /// Number of the section in the account.
    public var section: Int64
    /// Number of the keyspace in the account.
    public var keyspace: Int64
    /// As the path held it, percent-decoded; it need not be a key of the keyspace.
    public var key: String
    public var receivedAt: Timestamp
    /// Client id of the API key that posted.
    public var clientID: String
    public var requestID: String
    public var code: Problem.Code
    public var detail: String
    /// At most as many as one answer lists.
    public var errors: [ItemError]
    /// Discriminators of the event types that ``errors`` are about, that of the first error first. An empty text stands for
    /// what is of no known type.
    public var eventTypes: [String]
    /// Events in the body; 0 where it could not be read that far.
    public var eventCount: Int
    /// The JSON text that was posted.
    public var body: [UInt8]

    public init(
        account: Int64, section: Int64, keyspace: Int64, key: String, receivedAt: Timestamp, clientID: String,
        requestID: String, code: Problem.Code, detail: String, errors: [ItemError],
        eventTypes: [String] = [], eventCount: Int, body: [UInt8]
    ) {
        self.account = account
        self.section = section
        self.keyspace = keyspace
        self.key = key
        self.receivedAt = receivedAt
        self.clientID = clientID
        self.requestID = requestID
        self.code = code
        self.detail = detail
        self.errors = errors
        self.eventTypes = eventTypes
        self.eventCount = eventCount
        self.body = body
    }
}

/// A refused post as it is read back.
public struct Rejection: Sendable, Equatable {
    public typealias ID = Int64

    /// In the order of arrival; never given twice.
    public let id: ID
    /// Its body can be cut short, where a list was asked for.
    public let post: RefusedPost
    /// Bytes of the whole body.
    public let bodyBytes: Int
    /// When it was put right and posted again; nil while it is open.
    public let replayedAt: Timestamp?
    /// The profile that it was posted to then, which need not be the one of its key.
    public let replayedTo: ProfileID?
    /// The events that were stored then, as runs of ids. Empty of what an older version replayed.
    public let replayedEvents: [ClosedRange<Int64>]

    public init(
        id: ID, post: RefusedPost, bodyBytes: Int, replayedAt: Timestamp? = nil, replayedTo: ProfileID? = nil,
        replayedEvents: [ClosedRange<Int64>] = []
    ) {
        self.id = id
        self.post = post
        self.bodyBytes = bodyBytes
        self.replayedAt = replayedAt
        self.replayedTo = replayedTo
        self.replayedEvents = replayedEvents
    }
}

/// Which rejections of an account are meant.
public struct RejectionFilter: Sendable {
    public enum State: String, Sendable, CaseIterable {
        case open
        case replayed
    }

    public var account: Int64
    /// Only those of this section; nil means all.
    public var section: Int64?
    /// Only those of these keyspaces; nil means all.
    public var keyspaces: [Int64]?
    public var state: State?
    public var code: Problem.Code?
    /// Only those with an error of this code.
    public var itemCode: Problem.Code?
    /// Only those with an error in an event of this type, by its discriminator.
    public var eventType: String?
    public var cause: RejectionCause.ID?
    /// Contained in key, code, detail or body, whatever the case of ASCII letters.
    public var text: String?
    /// What came before is past its time and no longer there.
    public var receivedFrom: Timestamp

    public init(
        account: Int64, section: Int64?, keyspaces: [Int64]? = nil, state: State? = nil, code: Problem.Code? = nil,
        itemCode: Problem.Code? = nil, eventType: String? = nil, cause: RejectionCause.ID? = nil, text: String? = nil,
        receivedFrom: Timestamp
    ) {
        self.account = account
        self.section = section
        self.keyspaces = keyspaces
        self.state = state
        self.code = code
        self.itemCode = itemCode
        self.eventType = eventType
        self.cause = cause
        self.text = text
        self.receivedFrom = receivedFrom
    }
}
