/// What a merge of two profiles would do, or why it would not. It looks at what they hold now, and changes nothing.
public struct MergePreview: Sendable, Equatable {
    public enum Outcome: Sendable, Equatable {
        case merged
        /// They are one already.
        case unchanged
        /// One is locked, so the other would be locked too; they would not be joined.
        case locked
        case refused(Refusal)
    }

    public enum Refusal: Sendable, Equatable {
        /// Two persons: they differ in what this keyspace stands for.
        case different(keyspace: Int64)
        case tooManyMembers
        /// In a section they would hold more than ``Limits/profileFieldsMax`` fields together.
        case full
        /// Both are locked.
        case locked
    }

    /// Who has a field.
    public enum Owner: Sendable, Equatable {
        case canonical
        case other
        /// Both have the same.
        case both
    }

    public struct Field: Sendable, Equatable {
        /// As a read finds it afterwards.
        public let held: HeldField
        public let owner: Owner
        /// The other value that a read does not find afterwards.
        public let hidden: ProfileValue?

        public init(held: HeldField, owner: Owner, hidden: ProfileValue? = nil) {
            self.held = held
            self.owner = owner
            self.hidden = hidden
        }
    }

    public struct Section: Sendable, Equatable {
        /// Number of the section in the account.
        public let section: Int64
        /// Ordered by kind and number.
        public let fields: [Field]

        public init(section: Int64, fields: [Field]) {
            self.section = section
            self.fields = fields
        }
    }

    public let outcome: Outcome
    /// Whether the first of the two is the one whose data come first.
    public let isFirstCanonical: Bool
    /// Of the merged profile; empty where they would not be merged.
    public let keys: [Profile.Key]
    /// Of the merged profile, ordered by number; empty where they would not be merged.
    public let sections: [Section]

    /// - Parameters:
    ///   - one: all that it holds, in all sections. One that is not there yet holds nothing, and is made at the time of the
    ///     merge.
    public init(_ one: ProfileData, _ other: ProfileData, _ rules: MergeRules) {
        let (first, second) = (MergeRules.Side(one, rules), MergeRules.Side(other, rules))
        isFirstCanonical = rules.isCanonical(first, over: second)
        let found = MergePreview.outcome(first, second, rules)
        let isFull = rules.sections.contains { MergePreview.count(in: $0, one, other) > Limits.profileFieldsMax }
        outcome = found == .merged && isFull ? .refused(.full) : found
        guard outcome == .merged else {
            (keys, sections) = ([], [])
            return
        }
        let (canonical, joined) = isFirstCanonical ? (one, other) : (other, one)
        keys = canonical.profile.keys + joined.profile.keys
        sections = MergePreview.sections(canonical, joined)
    }

    private static func outcome(
        _ one: MergeRules.Side, _ other: MergeRules.Side, _ rules: MergeRules
    ) -> Outcome {
        guard one.profile.id != other.profile.id else { return .unchanged }
        let locked = [one, other].count { $0.profile.state == .locked }
        guard locked == 0 else { return locked == 2 ? .refused(.locked) : .locked }
        if let keyspace = rules.difference(one, other) { return .refused(.different(keyspace: keyspace)) }
        let members = one.profile.members.count + other.profile.members.count
        return members > Limits.profileMembersMax ? .refused(.tooManyMembers) : .merged
    }

    /// How many fields the two hold together.
    private static func count(in section: Int64, _ one: ProfileData, _ other: ProfileData) -> Int {
        let fields = [one, other].flatMap { data in
            data.sections.first { $0.section == section }?.fields.map(\.field) ?? []
        }
        return Set(fields).count
    }

    private static func sections(_ canonical: ProfileData, _ joined: ProfileData) -> [Section] {
        let numbers = Set((canonical.sections + joined.sections).map(\.section)).sorted()
        return numbers.map { number in
            let own = canonical.sections.first { $0.section == number }?.fields ?? []
            let others = joined.sections.first { $0.section == number }?.fields ?? []
            return Section(section: number, fields: fields(own, others))
        }
    }

    /// The canonical profile's come first, and those of the other fill the gaps. Of a consent the later one counts.
    private static func fields(_ own: [HeldField], _ others: [HeldField]) -> [Field] {
        let byField = Dictionary(uniqueKeysWithValues: others.map { ($0.field, $0) })
        let known = Set(own.map(\.field))
        var fields = own.map { held in
            guard let other = byField[held.field] else { return Field(held: held, owner: .canonical) }
            if held.field.kind == .consent, other.position > held.position {
                return Field(held: other, owner: .other, hidden: held.value)
            }
            return other.value.value == held.value.value
                ? Field(held: held, owner: .both) : Field(held: held, owner: .canonical, hidden: other.value)
        }
        fields += others.filter { !known.contains($0.field) }.map { Field(held: $0, owner: .other) }
        return fields.sorted { one, other in
            let (left, right) = (one.held.field, other.held.field)
            return (left.kind.rawValue, left.number) < (right.kind.rawValue, right.number)
        }
    }
}

extension MergePreview {
    /// What the two hold as one; nil where they would not be merged.
    fileprivate func merged(_ one: ProfileData, _ other: ProfileData) -> ProfileData? {
        guard outcome == .merged else { return nil }
        let (canonical, joined) = isFirstCanonical ? (one, other) : (other, one)
        return ProfileData(
            profile: Profile(members: canonical.profile.members + joined.profile.members),
            sections: sections.map { .init(section: $0.section, fields: $0.fields.map(\.held)) })
    }
}

extension MergeRules {
    /// Why these profiles cannot all become one, each merged with those before it, and hold these fields too; nil: they can.
    /// Where one is locked it is ``MergePreview/Refusal/locked``: a merge would lock the others.
    /// - Parameters:
    ///   - profiles: all that they hold, in all sections; at least one.
    ///   - fields: that are set in a section afterwards.
    public func refusal(
        merging profiles: [ProfileData], thenSetting fields: Set<ProfileField>, in section: Int64
    ) -> MergePreview.Refusal? {
        guard profiles.allSatisfy({ $0.profile.state == .open }) else { return .locked }
        var seen: Set<ProfileID> = [profiles[0].profile.id]
        var whole = profiles[0]
        for other in profiles.dropFirst() where seen.insert(other.profile.id).inserted {
            let preview = MergePreview(whole, other, self)
            if case .refused(let refusal) = preview.outcome { return refusal }
            guard let merged = preview.merged(whole, other) else { return .locked }
            whole = merged
        }
        let held = whole.sections.first { $0.section == section }?.fields.map(\.field) ?? []
        return fields.union(held).count > Limits.profileFieldsMax ? .full : nil
    }
}

extension MergeRules.Side {
    /// - Parameter data: of all sections that the rules name.
    public init(_ data: ProfileData, _ rules: MergeRules) {
        var values: [MergeRules.Attribute: FieldValue] = [:]
        for attribute in rules.attributes {
            let fields = data.sections.first { $0.section == attribute.section }?.fields ?? []
            values[attribute] = fields.first { $0.field == .attribute(attribute.number) }?.value.value
        }
        self.init(profile: data.profile, values: values)
    }
}

extension MergeRules {
    /// The first keyspace in which a profile with another key would be two persons.
    /// - Parameters:
    ///   - data: of all sections that the rules name, before the change.
    ///   - removed: a key that the same change takes from it.
    ///   - edits: what the same change sets and clears, by section.
    public func difference(
        adding key: Profile.Key, to data: ProfileData, without removed: Profile.Key? = nil,
        after edits: [(section: Int64, edits: [ProfileEdit])] = []
    ) -> Int64? {
        var side = Side(data, self)
        for (section, edits) in edits {
            for edit in edits where edit.field.kind == .attribute {
                let attribute = Attribute(section: section, number: edit.field.number)
                if attributes.contains(attribute) { side.values[attribute] = edit.value?.value }
            }
        }
        if let removed { side.profile = side.profile.showing { $0 != removed } }
        return difference(
            side, Side(profile: Profile(id: data.profile.id, key: key, createdAt: data.profile.createdAt)))
    }
}
