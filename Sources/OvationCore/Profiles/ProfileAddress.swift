/// A profile as a request names it: account, keyspace, normalised key; with the id it would get if it were new.
public struct ProfileAddress: Sendable, Equatable {
    public let account: Int64
    /// Number of the keyspace in the account.
    public let keyspace: Int64
    public let key: ProfileKey
    /// The founding rule: a new profile's id is the hash of its first key, so that in a sharded store the key, the
    /// profile and its events share a shard.
    public let foundingID: ProfileID

    public init(account: Int64, keyspace: Int64, key: ProfileKey, foundingID: ProfileID) {
        self.account = account
        self.keyspace = keyspace
        self.key = key
        self.foundingID = foundingID
    }
}

public struct ProfileID: Hashable, Sendable {
    public let value: Int64

    public init(_ value: Int64) {
        self.value = value
    }

    /// Where to look next when another profile already has this id: about 3 in 10,000 chances in a store of 10^8
    /// profiles. SplitMix64, so that two colliding keys walk on along one path that every engine can repeat.
    public var afterCollision: ProfileID {
        var word = UInt64(bitPattern: value) &+ 0x9E37_79B9_7F4A_7C15
        word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
        return ProfileID(Int64(bitPattern: word ^ (word >> 31)))
    }
}
