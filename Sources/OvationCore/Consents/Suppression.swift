/// That an address takes nothing by a channel: a profile of its own, with an opt-out of the channel in section 0. See rule 21 of
/// DESIGN.md.
public struct Suppression: Sendable, Equatable {
    /// Of the address, under the server's secret: 64 hexadecimal digits. The address itself is not known.
    public let addressHash: String
    public let held: HeldField

    public init(addressHash: String, held: HeldField) {
        self.addressHash = addressHash
        self.held = held
    }

    /// The keyspace of a channel's suppressions. No path leads to it, since keyspaces have positive numbers.
    /// - Parameter channel: number in the account.
    public static func keyspace(ofChannel channel: Int64) -> Int64 { -channel }

    /// Whether the keys of a keyspace are hashes of suppressed addresses, and its profiles nobody's.
    public static func isKeyspace(_ number: Int64) -> Bool { number < 0 }

    /// Where it stands in its profile, in section 0.
    /// - Parameter channel: number in the account.
    public static func field(ofChannel channel: Int64) -> ProfileField {
        ConsentPlace(topic: nil, channel: channel).field
    }
}

/// Which suppressions are meant: those of a channel, by their hashes.
public struct SuppressionFilter: Sendable {
    public var account: Int64
    /// Number in the account.
    public var channel: Int64
    /// Only behind this hash; nil: from the first on.
    public var after: String?
    /// How many addresses are looked at, up to ``Limits/suppressionsPageMax``.
    public var limit: Int

    public init(account: Int64, channel: Int64, after: String? = nil, limit: Int) {
        self.account = account
        self.channel = channel
        self.after = after
        self.limit = limit
    }
}

/// A page of suppressions. It can have fewer than were asked for, or none, and have a next one: those that were lifted are
/// looked at too, and left out.
public struct SuppressionPage: Sendable, Equatable {
    /// By the hash.
    public let suppressions: [Suppression]
    /// For ``SuppressionFilter/after``; nil on the last page.
    public let next: String?

    public init(suppressions: [Suppression], next: String?) {
        self.suppressions = suppressions
        self.next = next
    }
}
