/// What one request changes of a profile: all of its operations take effect, in their order, or none of them.
public struct ProfileChange: Sendable {
    public let profile: ProfileAddress
    public let at: Timestamp
    /// Client id of the API key that asked for it.
    public let actor: String
    public let precondition: Precondition
    public let idempotency: Idempotency?
    /// Of different kinds, or in different sections. Keys are added before the others, and removed behind them.
    public let operations: [Operation]

    /// What must hold of the profile before.
    public enum Precondition: Sendable, Equatable {
        /// It is there; otherwise ``ProfileChangeOutcome/noProfile``.
        case exists
        /// Nothing; it is made if it is not there.
        case none
        /// It is not there, and is made; otherwise ``ProfileChangeOutcome/exists``.
        case isNew
    }

    /// To add one: a case here, what it is called in the store in ``kind``, and a file of its own in each engine.
    public enum Operation: Sendable, Equatable {
        /// Sets and clears values and tags in a section.
        case update(section: Int64, [ProfileEdit])
        /// Sets consents in a section, each where ``ConsentTransition`` allows it from what the profile has.
        case consent(section: Int64, [ConsentEdit])
        /// The profile is ``ProfileState/locked`` from here on. Locking it again changes nothing.
        case lock
        /// The profile is ``ProfileState/erased`` from here on: no reader finds it, and its key is free. What was stored of
        /// it is removed after the commit, as ``Erasure`` tells. It is the only operation of its change. A profile that is
        /// not there is not made for it; one that is locked refuses it. Of a profile of several members all go.
        /// - Parameters:
        ///   - formats: of all keyspaces by number, to find refused posts whose keys were written differently.
        ///   - locking: the profile is ``ProfileState/locked`` instead, for good: a keyed hash of each key stays, so the keys
        ///     are not free and take nothing. Readers find nobody. One that is locked so already stays as it is.
        case erase(ErasureID, formats: [Int64: KeyFormat], locking: Bool = false)
        /// The profile and another one are one from here on. Either is made if it is not there. Two that are one already stay
        /// as they are. If one of them is locked, the other is locked too, and they are not joined.
        case merge(ProfileAddress, MergeRules)
        /// The key leads to a new, empty profile from here on. What came by it stays with the profile that it leaves. A
        /// profile of one member stays as it is.
        case unmerge
        /// The newest merge by which the key became one of the profile's is undone: each part is what it was before, with
        /// what came by its keys since. A profile of one member stays as it is.
        case restore
        /// This key leads to the profile too from here on. One that does already stays as it is.
        case addKey(ProfileAddress, MergeRules)
        /// The key that the change names the profile by leads to nothing any more. What came by it stays with the profile.
        case removeKey

        public var kind: Kind {
            switch self {
            case .update, .consent: .updated
            case .lock: .locked
            case .erase(_, _, let locking): locking ? .locked : .erased
            case .merge: .merged
            case .unmerge: .unmerged
            case .restore: .restored
            case .addKey: .keyAdded
            case .removeKey: .keyRemoved
            }
        }

        /// The state that the profile has afterwards; nil: the operation leaves it as it is.
        public var state: ProfileState? {
            switch self {
            case .update, .consent, .merge, .unmerge, .restore, .addKey, .removeKey: nil
            case .lock: .locked
            case .erase(_, _, let locking): locking ? .locked : .erased
            }
        }

        /// Whether it changes which keys lead where. Nobody may rely on that meanwhile.
        public var touchesKeys: Bool {
            switch self {
            case .update, .consent, .lock: false
            case .erase, .merge, .unmerge, .restore, .addKey, .removeKey: true
            }
        }

        /// Whether it stands alone in its change.
        var isAlone: Bool {
            switch self {
            case .update, .consent, .lock, .addKey, .removeKey: false
            case .erase, .merge, .unmerge, .restore: true
            }
        }

        /// How many fields it sets or clears.
        package var fieldCount: Int {
            switch self {
            case .update(_, let edits): edits.count
            case .consent(_, let edits): edits.count
            case .lock, .erase, .merge, .unmerge, .restore, .addKey, .removeKey: 0
            }
        }

        /// What it takes of memory beside the change, near enough.
        var bytes: Int {
            switch self {
            case .update(_, let edits): edits.reduce(0) { $0 + $1.bytes }
            case .consent(_, let edits): edits.reduce(0) { $0 + $1.bytes }
            case .merge(let other, _), .addKey(let other, _): other.key.text.utf8.count
            case .lock, .erase, .unmerge, .restore, .removeKey: 0
            }
        }
    }

    /// What happened, as stores keep it. A word is never renamed.
    public enum Kind: String, Sendable, CaseIterable {
        case updated
        case locked
        case erased
        case merged
        case unmerged
        /// A merge was undone.
        case restored
        case keyAdded = "key_added"
        case keyRemoved = "key_removed"
    }

    public init(
        profile: ProfileAddress, at: Timestamp, actor: String, precondition: Precondition = .exists,
        idempotency: Idempotency? = nil, operations: [Operation]
    ) {
        Swift.precondition(
            operations.count == 1 || !operations.contains(where: \.isAlone),
            "the operation is the only one of its change")
        self.profile = profile
        self.at = at
        self.actor = actor
        self.precondition = precondition
        self.idempotency = idempotency
        self.operations = operations
    }

    /// nil: it erases nobody.
    package var erasure: (id: ErasureID, formats: [Int64: KeyFormat], locking: Bool)? {
        guard case .erase(let id, let formats, let locking)? = operations.first else { return nil }
        return (id, formats, locking)
    }

    /// What it takes of memory, near enough.
    public var bytes: Int {
        profile.key.text.utf8.count + actor.utf8.count + operations.reduce(0) { $0 + ProfileChange.stride + $1.bytes }
    }

    /// Whether it can change what the profile takes: such a change waits until no other server is writing.
    public var touchesState: Bool { operations.contains { $0.state != nil || $0.touchesKeys } }

    /// Whether it can change which keys lead where, and so which members a profile has.
    public var touchesKeys: Bool { operations.contains(where: \.touchesKeys) }

    private static let stride = 64
}

public enum ProfileChangeOutcome: Sendable, Equatable {
    /// The number of its last operation that changed something; nil: it only made the profile. Numbers come from the
    /// sequence of event ids.
    case changed(position: Int64?)
    /// Changed, and gave the profile a consent where it had none.
    case consented(position: Int64)
    /// A consent cannot follow the one that the profile has; nothing was changed.
    case consentRefused(current: ConsentType)
    /// The profile was as it should be.
    case unchanged
    case noProfile
    /// There is such a profile already; nothing was changed.
    case exists
    /// The profile takes no data; nothing was changed, and no key is remembered.
    case refused(ProfileState)
    /// It would hold more than ``Limits/profileFieldsMax`` fields in a section; nothing was changed.
    case full
    /// The same request took effect before; its answer again.
    case duplicate(answer: [UInt8])
    /// The idempotency key was used for another request.
    case conflict
    /// Two persons: they differ in what this keyspace stands for (``MergeRules/difference(_:_:)``). Nothing was changed.
    case different(keyspace: Int64)
    /// It would have more than ``Limits/profileMembersMax`` members; nothing was changed.
    case tooManyMembers
    /// The key is that of the canonical member, which is taken out of nothing; nothing was changed.
    case canonical
    /// The key to add leads to another profile; nothing was changed.
    case taken
    /// No key would lead to the profile, or to the part that is taken from it; nothing was changed.
    case lastKey
}
