/// Which profiles an export reads next.
public struct ProfileExportRange: Sendable, Equatable {
    public var account: Int64
    /// Sections whose fields are read, by their numbers in the account, 0 for opt-outs of the account; nil: all but 0.
    public var sections: [Int64]?
    /// Only what stands behind this id; nil: from the beginning.
    public var after: ProfileID?
    /// Profiles in a page.
    public var limit: Int
    /// Bytes that its profiles take of memory, near enough, after which a page ends early.
    public var bytesMax: Int
    /// ``ProfileExportPage/newest`` of the first page of the export. `.max` reads the first page.
    public var since: Int64

    public init(
        account: Int64, sections: [Int64]? = nil, after: ProfileID? = nil, limit: Int = Limits.exportPageProfiles,
        bytesMax: Int = Limits.exportPageBytes, since: Int64 = .max
    ) {
        self.account = account
        self.sections = sections
        self.after = after
        self.limit = limit
        self.bytesMax = bytesMax
        self.since = since
    }
}

/// Whole profiles with what they hold, by the lowest id of their members. See rule 25 of DESIGN.md.
///
/// A page can be empty and have a next one: the store looks at a bounded number of rows for each.
public struct ProfileExportPage: Sendable, Equatable {
    /// Those that are locked hold nothing.
    public let profiles: [ProfileData]
    /// Where each of them was met: what comes behind it is behind this id. Rising.
    public let places: [ProfileID]
    /// For ``ProfileExportRange/after`` of the next page; nil on the last.
    public let next: ProfileID?
    /// The newest change of the store when the page was read; 0: there is none.
    public let newest: Int64

    public init(profiles: [ProfileData], places: [ProfileID], next: ProfileID?, newest: Int64) {
        self.profiles = profiles
        self.places = places
        self.next = next
        self.newest = newest
    }
}

extension ProfileData {
    /// What it takes of memory, near enough.
    package var bytes: Int {
        profile.members.reduce(128) { $0 + 96 + ($1.key?.text.utf8.count ?? 0) }
            + sections.reduce(0) { $1.fields.reduce($0 + 32) { $0 + 80 + $1.value.textBytes } }
    }
}
