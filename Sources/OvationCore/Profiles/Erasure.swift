/// Names an erasure: 32 hexadecimal digits in the form of a UUID. Chance gives it, so it tells nothing of the profile.
public struct ErasureID: Hashable, Sendable {
    public let text: String

    /// nil: the text is no such id.
    public init?(_ text: String) {
        let groups = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard groups.map(\.count) == ErasureID.groups, groups.joined().allSatisfy(ErasureID.isDigit) else { return nil }
        self.text = text
    }

    public init(using random: inout some RandomNumberGenerator) {
        let digits = (0..<2).map { _ in
            let digits = String(random.next() as UInt64, radix: 16)
            return String(repeating: "0", count: 16 - digits.count) + digits
        }.joined()
        var left = digits[...]
        text = ErasureID.groups.map { count in
            defer { left = left.dropFirst(count) }
            return String(left.prefix(count))
        }.joined(separator: "-")
    }

    private static let groups = [8, 4, 4, 4, 12]

    private static func isDigit(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
    }
}

/// What an erasure is known by, for good: when a profile was erased, who asked for it, and how much was removed. It has no
/// personal data.
public struct Erasure: Sendable, Equatable {
    /// How many rows of each kind were removed so far.
    public struct Counts: Sendable, Equatable {
        public var events: Int64
        /// Of attributes, as the profile held them when it was erased.
        public var values: Int64
        /// That the profile had when it was erased.
        public var tags: Int64
        /// That the profile had when it was erased, subscriptions and opt-outs of sections and of the account among them.
        public var consents: Int64
        /// Of the profile: what was set and cleared. The erasure itself is none of them; it stays.
        public var changes: Int64
        /// Refused posts that were kept of the profile.
        public var rejections: Int64

        public init(
            events: Int64 = 0, values: Int64 = 0, tags: Int64 = 0, consents: Int64 = 0, changes: Int64 = 0,
            rejections: Int64 = 0
        ) {
            self.events = events
            self.values = values
            self.tags = tags
            self.consents = consents
            self.changes = changes
            self.rejections = rejections
        }
    }

    public let id: ErasureID
    public let account: Int64
    /// Of the change that erased the profile. Erasures are listed by it.
    public let position: Int64
    public let requestedAt: Timestamp
    /// Client id of the API key that asked for it.
    public let actor: String
    /// When nothing was left of the profile; nil: the store still removes.
    public let completedAt: Timestamp?
    public let counts: Counts

    public init(
        id: ErasureID, account: Int64, position: Int64, requestedAt: Timestamp, actor: String, completedAt: Timestamp?,
        counts: Counts
    ) {
        self.id = id
        self.account = account
        self.position = position
        self.requestedAt = requestedAt
        self.actor = actor
        self.completedAt = completedAt
        self.counts = counts
    }

    /// The entry of the audit trail. A store writes it in the commit that erases the profile.
    package static func act(_ id: ErasureID) -> Act {
        Act(.profileErased, subject: id.text, detail: "a profile was erased")
    }
}
