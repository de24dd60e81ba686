/// Which profiles can become one, and whose data come first. See rule 20 of DESIGN.md.
public struct MergeRules: Sendable, Equatable {
    /// What a person has one of: an e-mail address, a mobile number, a CRM ID.
    public struct Identity: Sendable, Equatable {
        /// Number of the keyspace in the account.
        public let keyspace: Int64
        public let format: KeyFormat
        /// The attributes that have its keys as their values: one in each section.
        public let attributes: [Attribute]

        public init(keyspace: Int64, format: KeyFormat, attributes: [Attribute]) {
            self.keyspace = keyspace
            self.format = format
            self.attributes = attributes
        }
    }

    public struct Attribute: Sendable, Hashable {
        /// Number of the section in the account.
        public let section: Int64
        /// Of the attribute in the account.
        public let number: Int64

        public init(section: Int64, number: Int64) {
            self.section = section
            self.number = number
        }
    }

    /// What the rules ask of a profile.
    public struct Side: Sendable, Equatable {
        public var profile: Profile
        /// Of the attributes that the rules name, as far as the profile has them.
        public var values: [Attribute: FieldValue]

        public init(profile: Profile, values: [Attribute: FieldValue] = [:]) {
            self.profile = profile
            self.values = values
        }
    }

    /// By rising number of the keyspace.
    public let identities: [Identity]

    public init(identities: [Identity]) {
        self.identities = identities.sorted { $0.keyspace < $1.keyspace }
    }

    /// Numbers of the sections in which a person can be known, and so of all that have attributes of their own.
    package var sections: Set<Int64> { Set(attributes.map(\.section)) }

    /// Of an account with these definitions.
    public init(_ catalogue: Catalogue) {
        self.init(
            identities: BuiltIn.keyspaces.filter { $0.mappedAttribute != nil }.map { keyspace in
                Identity(
                    keyspace: keyspace.number, format: keyspace.keyFormat,
                    attributes: catalogue.sections.compactMap { section in
                        catalogue.mappedAttribute(of: keyspace, in: section.discriminator)
                            .map { Attribute(section: section.number, number: $0.number) }
                    })
            })
    }

    /// Every attribute that the rules ask for.
    public var attributes: [Attribute] { identities.flatMap(\.attributes) }

    /// The first keyspace in which the two are different persons; nil: they can be one.
    public func difference(_ one: Side, _ other: Side) -> Int64? {
        identities.first { $0.differs(one, other) || $0.differs(other, one) }?.keyspace
    }

    /// Whether the data of the first come before those of the other: it has an e-mail address, a mobile number or a CRM ID,
    /// and the other has none; or else it is the older one.
    public func isCanonical(_ one: Side, over other: Side) -> Bool {
        let (isKnown, isOtherKnown) = (identities.contains { $0.knows(one) }, identities.contains { $0.knows(other) })
        guard isKnown == isOtherKnown else { return isKnown }
        // Ids decide where the time does not: the order in which the two are named has no meaning.
        return (one.profile.createdAt, one.profile.id.value) < (other.profile.createdAt, other.profile.id.value)
    }
}

extension MergeRules.Identity {
    fileprivate func knows(_ side: MergeRules.Side) -> Bool {
        keys(of: side).first != nil || attributes.contains { side.values[$0] != nil }
    }

    /// A key leads to one profile, so two that have one each differ. A value can be that of two; so it is compared with the
    /// value of the same attribute, and with the keys of the other.
    fileprivate func differs(_ one: MergeRules.Side, _ other: MergeRules.Side) -> Bool {
        let keys = keys(of: one)
        if !keys.isEmpty, !self.keys(of: other).isEmpty { return true }
        return attributes.contains { attribute in
            guard let others = other.values[attribute].map(normal) else { return false }
            if let own = one.values[attribute].map(normal), own != others { return true }
            return !keys.isEmpty && !keys.contains(others)
        }
    }

    private func keys(of side: MergeRules.Side) -> [String] {
        side.profile.keys.filter { $0.keyspace == keyspace }.map(\.text)
    }

    /// As a key; a value that can be none, as it is.
    private func normal(_ value: FieldValue) -> String {
        let text =
            switch value {
            case .string(let text): text
            case .integer(let number): String(number)
            case .double(let number): String(number)
            case .boolean(let flag): String(flag)
            }
        return (try? ProfileKey(text, format: format))?.text ?? text
    }
}
