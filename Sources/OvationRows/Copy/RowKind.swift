import OvationCore

/// The kinds of rows in a store, in the order in which they are copied: a row comes after the rows it refers to.
///
/// Data that a store derives from these have no kind: the sorted timelines of SQLite, the slots of usage in PostgreSQL, the values
/// by which profiles are found.
/// The fields of profiles have one, though they follow from the changes: both engines keep them in the same bytes.
public enum RowKind: String, CaseIterable, Sendable {
    case account, setting, logEntry, act, apiKey, signingKey, mappedAttribute, profile, profileChange, profileData,
        profileMember, erasure, event, idempotency, rejection, usage

    public enum ColumnType: Sendable {
        case integer
        case text
        /// Text from others, which may contain any character, NUL included.
        case anyText
        case bytes
    }

    /// In the order in which a ``RowBatch`` has them.
    public var columns: [ColumnType] {
        switch self {
        // Number, name, made at.
        case .account: [.integer, .text, .integer]
        // Name, value.
        case .setting: [.text, .bytes]
        // Account, sequence, number in the audit trail, at, actor, change.
        case .logEntry: [.integer, .integer, .integer, .integer, .text, .text]
        // Account, number in the audit trail, at, actor, act, subject, detail.
        case .act: [.integer, .integer, .integer, .text, .text, .text, .text]
        // Client id, account, name, role, sections, keyspaces, hash of the secret, made at, revoked at, hash of the
        // secret before and until when it holds, last used at, hash of the secret in the settings.
        case .apiKey:
            [
                .text, .integer, .text, .text, .text, .text, .bytes, .integer, .integer, .bytes, .integer, .integer,
                .bytes,
            ]
        // Id, private key, made at, retired at.
        case .signingKey: [.text, .text, .integer, .integer]
        // Account, attribute, format of its values as keys.
        case .mappedAttribute: [.integer, .integer, .text]
        // Id, account, keyspace, key, made at, canonical id, state.
        case .profile: [.integer, .integer, .integer, .text, .integer, .integer, .integer]
        // Position, account, profile, kind, state, at, client id, section, edits.
        case .profileChange:
            [.integer, .integer, .integer, .text, .integer, .integer, .text, .integer, .bytes]
        // Profile, section, fields.
        case .profileData: [.integer, .integer, .bytes]
        // Member, canonical member, member that it was joined to, position of the change that joined it.
        case .profileMember: [.integer, .integer, .integer, .integer]
        // Position, id, account, profile, requested at, client id, completed at; events, values, tags, changes, refused
        // posts and consents that were removed.
        case .erasure:
            [
                .integer, .text, .integer, .integer, .integer, .text, .integer, .integer, .integer, .integer, .integer,
                .integer, .integer,
            ]
        // Id, profile, section, time, version, account, received at, data.
        case .event: [.integer, .integer, .integer, .integer, .integer, .integer, .integer, .text]
        // Account, key, fingerprint, answer, made at.
        case .idempotency: [.integer, .text, .bytes, .bytes, .integer]
        // Account, id, section, keyspace, key, received at, client id, request id, code, detail, errors, events,
        // replayed at, replayed to, replayed events, cause, codes of errors, event types, body.
        case .rejection:
            [
                .integer, .integer, .integer, .integer, .anyText, .integer, .text, .anyText, .text, .anyText, .text,
                .integer, .integer, .integer, .text, .text, .text, .text, .bytes,
            ]
        // Account, version, events, last received at.
        case .usage: [.integer, .integer, .integer, .integer]
        }
    }

    /// The columns with the values of a row's position, as in ``RowPosition``.
    public var key: (first: Int?, second: Int?, text: Int?) {
        switch self {
        case .account, .profile, .profileChange, .erasure: (nil, 0, nil)
        case .setting, .apiKey, .signingKey: (nil, nil, 0)
        case .logEntry, .act, .mappedAttribute, .profileData, .rejection, .usage: (0, 1, nil)
        // Ids can be any number, and a position cannot: the first row is behind the start.
        case .profileMember: (0, 3, nil)
        case .event: (5, 0, nil)
        case .idempotency: (0, nil, 1)
        }
    }

    /// For people.
    public var name: String {
        switch self {
        case .account: "accounts"
        case .setting: "settings"
        case .logEntry: "changes of definitions"
        case .act: "acts"
        case .apiKey: "API keys"
        case .signingKey: "signing keys"
        case .mappedAttribute: "mapped attributes"
        case .profile: "profiles"
        case .profileChange: "changes of profiles"
        case .profileData: "fields of profiles"
        case .profileMember: "members of profiles"
        case .erasure: "erasures"
        case .event: "events"
        case .idempotency: "idempotency keys"
        case .rejection: "refused posts"
        case .usage: "usage of versions"
        }
    }

    /// Settings that belong to the store and not to its file: those are copied.
    public static let copiedSettings = ["server_secret"]

    var next: RowKind? {
        let all = RowKind.allCases
        guard let index = all.firstIndex(of: self), index + 1 < all.count else { return nil }
        return all[index + 1]
    }
}

/// The position of a row among those of its kind in one store. Each store reads in its own order, so a position is only
/// valid in the store that gave it.
public struct RowPosition: Sendable, Equatable {
    public var first: Int64
    public var second: Int64
    public var text: String

    public init(first: Int64, second: Int64, text: String) {
        self.first = first
        self.second = second
        self.text = text
    }

    /// Before all rows.
    public static let start = RowPosition(first: .min, second: .min, text: "")
}
