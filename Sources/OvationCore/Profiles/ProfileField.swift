/// What a profile can hold in a section: the value of an attribute, a tag, or a consent.
public struct ProfileField: Hashable, Sendable {
    /// The numbers are what stores keep.
    public enum Kind: Int64, Sendable, CaseIterable {
        case attribute = 0
        case tag = 1
        /// Its number is made of those of a topic and a channel (``ConsentPlace``), its value of a ``Consent``.
        case consent = 2
        /// Of the profile as a whole, whatever section: what became of it, such as a lock. It has the number 0.
        case life = 3
    }

    public let kind: Kind
    /// Of the attribute or tag in the account, or of a consent's place; from 0 to ``numberMax``.
    public let number: Int64

    public static let numberMax: Int64 = 1 << 40

    public init(_ kind: Kind, _ number: Int64) {
        self.kind = kind
        self.number = number
    }

    public static func attribute(_ number: Int64) -> ProfileField { ProfileField(.attribute, number) }
    public static func tag(_ number: Int64) -> ProfileField { ProfileField(.tag, number) }
    public static let life = ProfileField(.life, 0)
}

/// The value of an attribute, or a consent (``Consent/value``). A tag that a profile has is `true`.
public struct ProfileValue: Sendable, Equatable {
    /// Under which the value was set, and whose type it has. Of a consent: its type.
    public let version: VersionID
    public let value: FieldValue

    public init(version: VersionID, value: FieldValue) {
        self.version = version
        self.value = value
    }
}

/// One field to set, or to clear.
public struct ProfileEdit: Sendable, Equatable {
    public let field: ProfileField
    /// nil: the profile has none afterwards.
    public let value: ProfileValue?

    public init(_ field: ProfileField, _ value: ProfileValue?) {
        self.field = field
        self.value = value
    }

    /// What it takes of memory, near enough.
    var bytes: Int { 64 + (value?.textBytes ?? 0) }
}

extension ProfileValue {
    var textBytes: Int {
        guard case .string(let text) = value else { return 0 }
        return text.utf8.count
    }
}

// MARK: - As it is read back

/// What a profile holds.
public struct ProfileData: Sendable, Equatable {
    public struct Section: Sendable, Equatable {
        /// Number of the section in the account.
        public let section: Int64
        /// Ordered by kind and number; those that were cleared are left out.
        public let fields: [HeldField]

        public init(section: Int64, fields: [HeldField]) {
            self.section = section
            self.fields = fields
        }
    }

    public let profile: Profile
    /// Ordered by number; those without a field are left out.
    public let sections: [Section]

    public init(profile: Profile, sections: [Section]) {
        self.profile = profile
        self.sections = sections
    }
}

public struct HeldField: Sendable, Equatable {
    public let field: ProfileField
    public let value: ProfileValue
    /// When it was set to this value.
    public let setAt: Timestamp
    /// Client id of the API key that set it.
    public let actor: String
    /// Of the change that set it.
    public let position: Int64

    public init(field: ProfileField, value: ProfileValue, setAt: Timestamp, actor: String, position: Int64) {
        self.field = field
        self.value = value
        self.setAt = setAt
        self.actor = actor
        self.position = position
    }
}

// MARK: - History

/// Which changes of a profile are meant.
public struct ProfileChangeFilter: Sendable {
    public var profile: ProfileAddress
    /// Changes in these sections. Those of the profile as a whole always belong to it.
    public var sections: [Int64]
    /// Only changes of fields of these kinds, with these fields alone; nil: all changes.
    public var kinds: Set<ProfileField.Kind>?
    /// Only changes with a lower position; nil: from the newest on.
    public var before: Int64?
    /// With ``before``: also changes that stand behind this place, by their times. So a page of the timeline finds what
    /// another profile brings, which is merged meanwhile.
    public var orBehind: EventPosition?
    /// From this moment on. The reading ends at a change that was made ``Limits/clockDifferenceMax`` earlier.
    public var from: Timestamp?
    /// Up to, not including.
    public var to: Timestamp?
    public var limit: Int

    public init(
        profile: ProfileAddress, sections: [Int64], kinds: Set<ProfileField.Kind>? = nil, before: Int64? = nil,
        orBehind: EventPosition? = nil, from: Timestamp? = nil, to: Timestamp? = nil, limit: Int
    ) {
        self.profile = profile
        self.sections = sections
        self.kinds = kinds
        self.before = before
        self.orBehind = orBehind
        self.from = from
        self.to = to
        self.limit = limit
    }

    /// Whether a change is meant.
    package func takes(_ position: Int64, at time: Timestamp) -> Bool {
        if let from, time < from { return false }
        if let to, time >= to { return false }
        guard let before, position >= before else { return true }
        guard let orBehind else { return false }
        return EventPosition(eventTime: time, id: position) < orBehind
    }

    /// Whether no change that was made before one at this time can be meant.
    package func ends(at time: Timestamp) -> Bool {
        guard let from else { return false }
        return time.advanced(by: Limits.clockDifferenceMax) < from
    }
}

/// A change as it is read back.
public struct StoredProfileChange: Sendable, Equatable {
    public struct Edit: Sendable, Equatable {
        public let field: ProfileField
        /// nil: there was none.
        public let from: ProfileValue?
        /// nil: it was cleared.
        public let to: ProfileValue?

        public init(field: ProfileField, from: ProfileValue?, to: ProfileValue?) {
            self.field = field
            self.from = from
            self.to = to
        }
    }

    public let position: Int64
    public let kind: ProfileChange.Kind
    /// nil: it is about the profile as a whole.
    public let section: Int64?
    public let at: Timestamp
    /// Client id of the API key that asked for it.
    public let actor: String
    /// In the order in which they were asked for. Empty for a change of the profile as a whole.
    public let edits: [Edit]

    /// What it takes of memory, near enough.
    package var bytes: Int {
        edits.reduce(64) { $0 + 64 + ($1.from?.textBytes ?? 0) + ($1.to?.textBytes ?? 0) }
    }

    public init(
        position: Int64, kind: ProfileChange.Kind, section: Int64?, at: Timestamp, actor: String, edits: [Edit]
    ) {
        self.position = position
        self.kind = kind
        self.section = section
        self.at = at
        self.actor = actor
        self.edits = edits
    }
}

public struct ProfileChangePage: Sendable, Equatable {
    /// Newest first.
    public let changes: [StoredProfileChange]
    /// For ``ProfileChangeFilter/before``; nil on the last page.
    public let next: Int64?

    /// The page ends early where the changes have more than ``Limits/pageBytesMax``.
    public init(changes: [StoredProfileChange], next: Int64?) {
        var bytes = 0
        let count = changes.prefix { change in
            defer { bytes += change.bytes }
            return bytes < Limits.pageBytesMax
        }.count
        self.changes = Array(changes.prefix(count))
        self.next = count < changes.count ? changes[count - 1].position : next
    }
}
