/// How many profiles say the same at one place, now. See rule 21 of DESIGN.md.
///
/// A profile counts once, whatever its keys, by what counts of it: by the last change of any of its members. One that is
/// locked or erased does not count. A consent below an opt-out of the section or the account counts as what it is.
public struct ConsentCount: Sendable, Equatable {
    public let place: ConsentPlace
    public let type: ConsentType
    /// More than none.
    public let profiles: Int64

    /// In place of a section's number: the suppressions of a channel, each the opt-out of an address. See rule 21 of DESIGN.md.
    public static let suppressions: Int64 = -1

    public init(place: ConsentPlace, type: ConsentType, profiles: Int64) {
        self.place = place
        self.type = type
        self.profiles = profiles
    }
}

extension ProfileAddress {
    /// Where the consents of this profile are counted.
    /// - Parameter section: where they stand; 0 for the account.
    package func countedSection(_ section: Int64) -> Int64 {
        ConsentCount.section(section, ofKeyspace: keyspace)
    }
}

extension ConsentCount {
    /// A suppression is a profile in a keyspace with a negative number, and no opt-out of anybody's account.
    package static func section(_ section: Int64, ofKeyspace keyspace: Int64) -> Int64 {
        keyspace < 0 ? suppressions : section
    }
}
