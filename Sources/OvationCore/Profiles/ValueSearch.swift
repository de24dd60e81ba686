/// A search for profiles by the values that they hold of mapped attributes. See rule 24 of DESIGN.md.
///
/// Values are compared in their normal form, that of a profile key: `Steve@Apsis.com` and `steve@apsis.com` are one value of an
/// e-mail attribute.
public struct ValueSearch: Sendable {
    public var account: Int64
    /// What to look for, by the number of the attribute, in the attribute's normal form. An attribute belongs to one section. One
    /// that is not mapped has no values here.
    public var texts: [Int64: String]
    /// Whether values are to be the text; otherwise they begin with it.
    public var isExact: Bool
    /// Of matches in the answer.
    public var limit: Int

    public init(account: Int64, texts: [Int64: String], isExact: Bool, limit: Int = Limits.valueMatchesMax) {
        self.account = account
        self.texts = texts
        self.isExact = isExact
        self.limit = limit
    }
}

/// A value by which a profile was found.
public struct ValueMatch: Sendable, Equatable {
    /// The whole profile that the member is of.
    public let profile: Profile
    /// The member that holds the value. The profile can have another value that counts: that of its canonical member.
    public let member: ProfileID
    /// Number of the attribute in the account.
    public let attribute: Int64
    /// In its normal form.
    public let value: String

    public init(profile: Profile, member: ProfileID, attribute: Int64, value: String) {
        self.profile = profile
        self.member = member
        self.attribute = attribute
        self.value = value
    }
}

public struct ValueMatches: Sendable, Equatable {
    /// By the bytes of the value, then by attribute and member. A profile comes once for each value that was found.
    public let matches: [ValueMatch]
    /// Whether these are all; false: the limit ended the search.
    public let isComplete: Bool

    public init(matches: [ValueMatch], isComplete: Bool) {
        self.matches = matches
        self.isComplete = isComplete
    }
}
