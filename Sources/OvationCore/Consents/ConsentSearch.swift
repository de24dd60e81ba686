/// A search for the consents of all profiles that have an address: as a key, or as the value of a mapped attribute. See rule 21
/// of DESIGN.md.
public struct ConsentSearch: Sendable {
    public struct Value: Sendable, Equatable {
        /// Number of the section that has the attribute.
        public let section: Int64
        /// In the attribute's normal form.
        public let text: String

        public init(section: Int64, text: String) {
            self.section = section
            self.text = text
        }
    }

    /// The last value of a page.
    public struct Place: Sendable, Equatable {
        public let attribute: Int64
        public let member: ProfileID

        public init(attribute: Int64, member: ProfileID) {
            self.attribute = attribute
            self.member = member
        }
    }

    public var account: Int64
    /// By the number of the attribute.
    public var values: [Int64: Value]
    /// Profiles that are read by a key as well, at the same moment.
    public var keys: [ProfileAddress]
    /// Where consents are read.
    public var sections: [Int64]
    /// nil: from the first on.
    public var after: Place?
    /// Of values in the answer, up to ``Limits/valueMatchesMax``.
    public var limit: Int

    public init(
        account: Int64, keys: [ProfileAddress] = [], values: [Int64: Value], sections: [Int64], after: Place? = nil,
        limit: Int = Limits.valueMatchesMax
    ) {
        self.account = account
        self.keys = keys
        self.values = values
        self.sections = sections
        self.after = after
        self.limit = limit
    }

    /// The sections that a store reads.
    package var sectionsToRead: [Int64] { Set(sections + values.values.map(\.section)).sorted() }

    /// Whether a field belongs to the answer: a consent of the sections asked for, or an attribute that was looked for.
    package func takes(_ field: ProfileField, in section: Int64) -> Bool {
        switch field.kind {
        case .consent: sections.contains(section)
        case .attribute: values[field.number]?.section == section
        case .tag, .life: false
        }
    }

    /// What is still to be looked for, by rising number of the attribute: with the member behind which it goes on.
    package var rest: [(attribute: Int64, text: String, after: Int64?)] {
        values.sorted { $0.key < $1.key }.compactMap { attribute, value in
            guard let after, attribute <= after.attribute else { return (attribute, value.text, nil) }
            return attribute == after.attribute ? (attribute, value.text, after.member.value) : nil
        }
    }
}

public struct ConsentMatches: Sendable, Equatable {
    /// What a key leads to.
    public enum KeyMatch: Sendable, Equatable {
        case nothing
        /// A profile that was locked for good.
        case locked
        /// With the fields that were asked for.
        case profile(ProfileData)
    }

    /// What each of ``ConsentSearch/keys`` leads to, in their order.
    public let keys: [KeyMatch]
    /// Whole profiles, each once, with the fields that were asked for. One can come again on a later page: by the value of
    /// another attribute, or of another of its members.
    public let profiles: [ProfileData]
    /// For ``ConsentSearch/after``; nil on the last page.
    public let next: ConsentSearch.Place?

    public init(keys: [KeyMatch] = [], profiles: [ProfileData], next: ConsentSearch.Place?) {
        self.keys = keys
        self.profiles = profiles
        self.next = next
    }
}
