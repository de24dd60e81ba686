package import OvationCore

/// A number in the table `consent_count`: the profiles of an account that have a type of consent at a place.
package struct ConsentCountKey: Hashable, Sendable, Comparable {
    package let account: Int64
    /// 0: of the account; ``ConsentCount/suppressions``: those.
    package let section: Int64
    /// The number of the field.
    package let place: Int64
    package let type: ConsentType

    package init(account: Int64, section: Int64, place: Int64, type: ConsentType) {
        self.account = account
        self.section = section
        self.place = place
        self.type = type
    }

    package static func < (left: ConsentCountKey, right: ConsentCountKey) -> Bool {
        (left.account, left.section, left.place, left.type.rawValue)
            < (right.account, right.section, right.place, right.type.rawValue)
    }

    /// nil: no version that is known writes such a row.
    package func count(_ profiles: Int64) -> ConsentCount? {
        guard profiles != 0, let place = ConsentPlace(ProfileField(.consent, place)) else { return nil }
        return ConsentCount(place: place, type: type, profiles: profiles)
    }
}

/// What changes of profiles do to the counts of consents.
package struct ConsentCountChanges: Sendable, Equatable {
    /// Those that stay as they are can be among them, with 0.
    private var sums: [ConsentCountKey: Int64] = [:]

    package init() {}

    /// The counts that change, in the order of their keys.
    package var changed: [(key: ConsentCountKey, change: Int64)] {
        sums.filter { $0.value != 0 }.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }

    package var isEmpty: Bool { sums.isEmpty }

    package mutating func removeAll() { sums.removeAll(keepingCapacity: true) }

    package mutating func add(_ other: ConsentCountChanges) {
        // Nearly every change has none.
        guard !other.isEmpty else { return }
        sums.merge(other.sums) { $0 + $1 }
    }

    /// Counts what profiles have in a field.
    /// - Parameters:
    ///   - value: nil, or no consent that is known: nothing is counted.
    ///   - profiles: how many more there are; negative: how many fewer.
    package mutating func add(
        _ profiles: Int64, _ value: ProfileValue?, in field: ProfileField, section: Int64, account: Int64
    ) {
        guard let type = value.flatMap({ Consent($0) })?.type else { return }
        let key = ConsentCountKey(account: account, section: section, place: field.number, type: type)
        sums[key, default: 0] += profiles
    }

    /// Counts the edits of a change, which is the newest of its profile.
    /// - Parameter held: what the whole profile had in a field.
    package mutating func add<Failure>(
        _ edits: PackedEdits, section: Int64, account: Int64,
        held: (ProfileField) throws(Failure) -> ProfileValue?
    ) throws(Failure) {
        for edit in edits.edits where edit.field.kind == .consent {
            add(-1, try held(edit.field), in: edit.field, section: section, account: account)
            add(1, edit.value, in: edit.field, section: section, account: account)
        }
    }
}

extension FieldIndex {
    /// The consents that a profile has in a section.
    /// - Parameter members: the index of each of its members.
    package static func consents(of members: some Sequence<FieldIndex>) -> [Entry] {
        var newest: [ProfileField: Entry] = [:]
        for index in members {
            // The last change counts, whichever member it came by: see MergedIndex.
            for entry in index.entries where entry.field.kind == .consent {
                if (newest[entry.field]?.position ?? 0) < entry.position { newest[entry.field] = entry }
            }
        }
        return newest.values.filter { !$0.isCleared }
    }

    /// Where the consents are that this member has, whether they count or not.
    package var consentPositions: [Int64] {
        entries.filter { $0.field.kind == .consent && !$0.isCleared }.map(\.position)
    }
}
