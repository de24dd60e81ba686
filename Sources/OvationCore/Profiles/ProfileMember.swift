/// A part of a profile: what came by one key. A profile that nothing was ever merged with has one.
public struct ProfileMember: Sendable, Equatable {
    /// How it became a part of the profile.
    public struct Joining: Sendable, Equatable {
        /// The member that it was joined to.
        public let parent: ProfileID
        /// Of the change that joined it.
        public let position: Int64

        public init(parent: ProfileID, position: Int64) {
            self.parent = parent
            self.position = position
        }
    }

    public let id: ProfileID
    /// nil: the key was taken from it, and its data stay with the profile.
    public let key: Profile.Key?
    public let createdAt: Timestamp
    /// nil: it is the canonical one.
    public let joining: Joining?

    public init(id: ProfileID, key: Profile.Key?, createdAt: Timestamp, joining: Joining? = nil) {
        self.id = id
        self.key = key
        self.createdAt = createdAt
        self.joining = joining
    }
}
