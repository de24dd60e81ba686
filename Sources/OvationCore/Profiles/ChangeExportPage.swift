/// What was changed of profiles in a section and in section 0, in the order in which it was made, each with a key that leads to the profile.
///
/// A page can be empty and have a next one: the store looks at a bounded number of changes for each.
public struct ChangeExportPage: Sendable, Equatable {
    public struct Row: Sendable, Equatable {
        /// What it says was there before is what this member of the profile had.
        public let change: StoredProfileChange
        public let key: Profile.Key

        public init(change: StoredProfileChange, key: Profile.Key) {
            self.change = change
            self.key = key
        }
    }

    public let rows: [Row]
    /// The position after which the next page begins; nil on the last.
    public let next: Int64?
    /// The newest change of the store when the page was read.
    public let newest: Int64

    public init(rows: [Row], next: Int64?, newest: Int64) {
        self.rows = rows
        self.next = next
        self.newest = newest
    }
}
