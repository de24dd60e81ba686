/// What one request changes of a profile: all of its operations take effect, in their order, or none of them.
public struct ProfileChange: Sendable {
    public let profile: ProfileAddress
    public let at: Timestamp
    /// Client id of the API key that asked for it.
    public let actor: String
    public let precondition: Precondition
    public let idempotency: Idempotency?
    /// Of different kinds, or in different sections.
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
        /// The profile is ``ProfileState/locked`` from here on. Locking it again changes nothing.
        case lock
        /// The profile is ``ProfileState/erased`` from here on: no reader finds it, and its key is free. What was stored of
        /// it is removed after the commit, as ``Erasure`` tells. It is the only operation of its change. A profile that is
        /// not there is not made for it; one that is locked refuses it.
        /// - Parameter format: of the keyspace, to find refused posts whose keys were written differently.
        case erase(ErasureID, format: KeyFormat)

        public var kind: Kind {
            switch self {
            case .update: .updated
            case .lock: .locked
            case .erase: .erased
            }
        }

        /// The state that the profile has afterwards; nil: the operation leaves it as it is.
        public var state: ProfileState? {
            switch self {
            case .update: nil
            case .lock: .locked
            case .erase: .erased
            }
        }

        /// How many fields it sets or clears.
        package var fieldCount: Int {
            switch self {
            case .update(_, let edits): edits.count
            case .lock, .erase: 0
            }
        }

        /// What it takes of memory beside the change, near enough.
        var bytes: Int {
            switch self {
            case .update(_, let edits): edits.reduce(0) { $0 + $1.bytes }
            case .lock, .erase: 0
            }
        }
    }

    /// What happened, as stores keep it. A word is never renamed.
    public enum Kind: String, Sendable, CaseIterable {
        case updated
        case locked
        case erased
    }

    public init(
        profile: ProfileAddress, at: Timestamp, actor: String, precondition: Precondition = .exists,
        idempotency: Idempotency? = nil, operations: [Operation]
    ) {
        let isErasure = operations.contains { $0.state == .erased }
        Swift.precondition(!isErasure || operations.count == 1, "an erasure is the only operation of its change")
        self.profile = profile
        self.at = at
        self.actor = actor
        self.precondition = precondition
        self.idempotency = idempotency
        self.operations = operations
    }

    /// nil: it erases nobody.
    package var erasure: (id: ErasureID, format: KeyFormat)? {
        guard case .erase(let id, let format)? = operations.first else { return nil }
        return (id, format)
    }

    /// What it takes of memory, near enough.
    public var bytes: Int {
        profile.key.text.utf8.count + actor.utf8.count + operations.reduce(0) { $0 + ProfileChange.stride + $1.bytes }
    }

    /// Whether it can change what the profile takes: such a change waits until no other server is writing.
    public var touchesState: Bool { operations.contains { $0.state != nil } }

    private static let stride = 64
}

public enum ProfileChangeOutcome: Sendable, Equatable {
    /// The number of its last operation that changed something; nil: it only made the profile. Numbers come from the
    /// sequence of event ids.
    case changed(position: Int64?)
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
}
