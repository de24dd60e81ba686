package import OvationCore

/// The value of a mapped attribute that a member holds, as the table `profile_value` has it. These rows follow from what profiles
/// hold, as ``FieldIndex`` does: one for each such value that can be a profile key.
package struct MappedValue: Sendable, Equatable {
    /// The member.
    package let profile: Int64
    /// Number of the attribute in the account.
    package let attribute: Int64
    /// In its normal form.
    package let text: String

    package init(profile: Int64, attribute: Int64, text: String) {
        self.profile = profile
        self.attribute = attribute
        self.text = text
    }

    /// nil: the field is no mapped attribute, or its value can be no key.
    package init?(
        _ value: ProfileValue?, of field: ProfileField, in profile: Int64, _ mapped: MappedAttributes
    ) {
        guard let value, let format = mapped.format(of: field),
            let text = value.value.profileKey(format: format)?.text
        else { return nil }
        self.init(profile: profile, attribute: field.number, text: text)
    }

    /// By the bytes of the value, then by attribute and member.
    package func isBefore(_ other: MappedValue) -> Bool {
        guard text.utf8.elementsEqual(other.text.utf8) else {
            return text.utf8.lexicographicallyPrecedes(other.text.utf8)
        }
        return (attribute, profile) < (other.attribute, other.profile)
    }

    /// Byte by byte: Swift takes two spellings of one letter for the same text.
    fileprivate static func areSame(_ one: MappedValue?, _ other: MappedValue?) -> Bool {
        guard let one, let other else { return one == nil && other == nil }
        return one.text.utf8.elementsEqual(other.text.utf8)
    }
}

extension MappedAttributes {
    /// nil: the field is no mapped attribute.
    fileprivate func format(of field: ProfileField) -> KeyFormat? {
        field.kind == .attribute ? self[field.number] : nil
    }
}

/// Rows of `profile_value` that a change adds and removes.
package struct MappedValueChanges: Sendable, Equatable {
    package private(set) var added: [MappedValue] = []
    package private(set) var removed: [MappedValue] = []

    package init() {}

    package var isEmpty: Bool { added.isEmpty && removed.isEmpty }

    /// Adds what a change of one section does.
    /// - Parameters:
    ///   - edits: those that change something.
    ///   - before: the index of the section as it was.
    ///   - former: the edits at a position of ``FieldIndex/mappedPositions(of:_:)``.
    package mutating func add<Failure>(
        _ edits: PackedEdits, of profile: Int64, from before: FieldIndex, _ mapped: MappedAttributes,
        _ former: (Int64) throws(Failure) -> PackedEdits?
    ) throws(Failure) {
        // A change can have very many fields: each is read once, and no field is searched for.
        var known: [Int64: [ProfileField: ProfileValue]] = [:]
        for edit in edits.edits where mapped.format(of: edit.field) != nil {
            var old: MappedValue?
            if let entry = before[edit.field], !entry.isCleared {
                if known[entry.position] == nil { known[entry.position] = try former(entry.position)?.values }
                old = MappedValue(known[entry.position]?[edit.field], of: edit.field, in: profile, mapped)
            }
            let new = MappedValue(edit.value, of: edit.field, in: profile, mapped)
            guard !MappedValue.areSame(old, new) else { continue }
            if let old { removed.append(old) }
            if let new { added.append(new) }
        }
    }
}

extension FieldIndex {
    /// Where the values of mapped attributes are that these edits may overwrite or clear.
    package func mappedPositions(of edits: [ProfileEdit], _ mapped: MappedAttributes) -> [Int64] {
        edits.compactMap { edit in
            guard mapped.format(of: edit.field) != nil, let entry = self[edit.field], !entry.isCleared else {
                return nil
            }
            return entry.position
        }
    }

    /// The fields that have values of mapped attributes.
    package func mappedEntries(_ mapped: MappedAttributes) -> [Entry] {
        entries.filter { !$0.isCleared && mapped.format(of: $0.field) != nil }
    }
}

extension PackedEdits {
    /// The rows of `profile_value` of some fields that have their values by this change.
    package func mappedValues(
        of fields: [ProfileField], in profile: Int64, _ mapped: MappedAttributes
    ) -> [MappedValue] {
        let wanted = Set(fields)
        return edits.compactMap { edit in
            wanted.contains(edit.field) ? MappedValue(edit.value, of: edit.field, in: profile, mapped) : nil
        }
    }

    fileprivate var values: [ProfileField: ProfileValue] {
        edits.reduce(into: [:]) { values, edit in values[edit.field] = edit.value }
    }
}

extension String {
    /// In the order of code points, which is the order of UTF-8: the first text after all texts that begin with this
    /// one. nil: there is none.
    package var firstNotBeginningSo: String? {
        var scalars = Array(unicodeScalars)
        while let last = scalars.popLast() {
            // Surrogates are not characters.
            let next = last.value == 0xD7FF ? 0xE000 : last.value + 1
            guard let scalar = Unicode.Scalar(next) else { continue }
            var text = String.UnicodeScalarView()
            text.append(contentsOf: scalars)
            text.append(scalar)
            return String(text)
        }
        return nil
    }
}
