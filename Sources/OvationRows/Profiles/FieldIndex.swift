package import OvationCore

/// Where the values of a profile in one section are: for each field the position of the change that touched it last. It is
/// the column `fields` of `profile_data`, and follows from `profile_change`.
///
/// A field that was cleared stays: its history begins there. A first byte, `1`, says how to read the rest. Then for each
/// field, by rising packed number: the field, the position, and a byte that tells most values apart (0: cleared).
package struct FieldIndex: Sendable, Equatable {
    package struct Entry: Sendable, Equatable {
        package let field: ProfileField
        package var position: Int64
        /// Two values with different digests are different; 0 stands for none.
        var digest: UInt8

        package var isCleared: Bool { digest == 0 }
    }

    /// By rising packed number of the field.
    package private(set) var entries: [Entry]

    package init() { entries = [] }

    /// Of one field.
    init(of field: ProfileField, at position: Int64, isCleared: Bool) {
        entries = [Entry(field: field, position: position, digest: isCleared ? 0 : 1)]
    }

    private func place(of field: ProfileField) -> Int {
        var low = 0
        var high = entries.count
        while low < high {
            let middle = (low + high) / 2
            if entries[middle].field.packed < field.packed { low = middle + 1 } else { high = middle }
        }
        return low
    }

    package subscript(field: ProfileField) -> Entry? {
        let place = place(of: field)
        return place < entries.count && entries[place].field == field ? entries[place] : nil
    }

    /// How many fields have a value.
    package var heldCount: Int { entries.count { !$0.isCleared } }

    // MARK: Changing

    /// The positions whose edits have to be read before ``apply(_:at:knowing:)`` can tell whether something changes.
    package func unsure(of edits: [ProfileEdit]) -> [Int64] {
        edits.compactMap { edit in
            guard let entry = self[edit.field], !entry.isCleared, entry.digest == edit.value?.digest else { return nil }
            return entry.position
        }
    }

    /// Applies edits, each field once.
    /// - Parameters:
    ///   - known: the edits of the positions that ``unsure(of:)`` named.
    ///   - profile: what the whole profile holds, and which of its members this index is of; nil: it has one member.
    /// - Returns: the edits that change something; nil: none does.
    package mutating func apply(
        _ edits: [ProfileEdit], at position: Int64, knowing known: [Int64: PackedEdits],
        in profile: (index: MergedIndex, member: Int64)? = nil
    ) -> PackedEdits? {
        var changed: [PackedEdits.Edit] = []
        for edit in edits {
            let entry = self[edit.field]
            if let profile, let held = profile.index[edit.field], held.member != profile.member {
                // What another member has is hidden by what is written here, since it is newer.
                guard edit.value != nil || !held.entry.isCleared else { continue }
            } else {
                guard isChange(edit, of: entry, knowing: known) else { continue }
            }
            changed.append(PackedEdits.Edit(field: edit.field, previous: entry?.position, value: edit.value))
            put(Entry(field: edit.field, position: position, digest: edit.value?.digest ?? 0))
        }
        return changed.isEmpty ? nil : PackedEdits(changed)
    }

    private func isChange(_ edit: ProfileEdit, of entry: Entry?, knowing known: [Int64: PackedEdits]) -> Bool {
        guard let entry, !entry.isCleared else { return edit.value != nil }
        guard let value = edit.value, value.digest == entry.digest else { return true }
        return known[entry.position]?[edit.field]?.value.map { !$0.isSame(as: value) } ?? true
    }

    /// Notes that the profile as a whole has changed.
    /// - Parameter other: the member of the other side, of a merge or its end.
    /// - Returns: the edits that lead to the change before.
    package mutating func noteLife(at position: Int64, with other: Int64? = nil) -> PackedEdits {
        let previous = self[.life]?.position
        put(Entry(field: .life, position: position, digest: FieldIndex.lifeDigest))
        let value = other.map { ProfileValue(version: 1, value: .integer($0)) }
        return PackedEdits([PackedEdits.Edit(field: .life, previous: previous, value: value)])
    }

    // MARK: Erasing

    /// The newest change that it leads to; nil: it leads to none.
    package var newestPosition: Int64? { entries.lazy.map(\.position).max() }

    /// Forgets a change, so that it leads to the changes before. What it was is only to be removed from then on, from its
    /// newest change to its oldest: a field that is led back counts as cleared.
    /// - Returns: the fields that had a value by this change.
    package mutating func takeBack(_ edits: PackedEdits, at position: Int64) -> [ProfileField] {
        var held: [ProfileField] = []
        for edit in edits.edits {
            let place = place(of: edit.field)
            guard place < entries.count, entries[place].field == edit.field, entries[place].position == position else {
                continue
            }
            if !entries[place].isCleared, edit.field != .life { held.append(edit.field) }
            if let previous = edit.previous {
                entries[place].position = previous
                entries[place].digest = 0
            } else {
                entries.remove(at: place)
            }
        }
        // A change that does not say what it touched is forgotten all the same, or this would never end.
        entries.removeAll { $0.position == position }
        return held
    }

    /// Makes the index anew from what is stored, change by change.
    /// - Returns: false: this is not the change that came next.
    package mutating func replay(_ change: PackedEdits, at position: Int64) -> Bool {
        for edit in change.edits {
            let entry = self[edit.field]
            guard entry?.position == edit.previous, edit.previous.map({ $0 < position }) ?? true else { return false }
            // What is cleared may be the value of another member.
            let digest = edit.field == .life ? FieldIndex.lifeDigest : edit.value?.digest ?? 0
            put(Entry(field: edit.field, position: position, digest: digest))
        }
        return !change.edits.isEmpty
    }

    private mutating func put(_ entry: Entry) {
        let place = place(of: entry.field)
        if place < entries.count, entries[place].field == entry.field {
            entries[place] = entry
        } else {
            entries.insert(entry, at: place)
        }
    }

    /// What became of a profile is there for good.
    private static let lifeDigest: UInt8 = 1

    // MARK: Bytes

    package var bytes: [UInt8] {
        var writer = PackedWriter()
        writer.add(byte: 1)
        for entry in entries {
            writer.add(entry.field.packed)
            writer.add(UInt64(entry.position))
            writer.add(byte: entry.digest)
        }
        return writer.bytes
    }

    /// nil: this is no index.
    package init?(bytes: some Sequence<UInt8>) { self.init(PackedReader(ArraySlice(bytes))) }

    /// From where a store has them.
    package init?(bytes: UnsafeRawBufferPointer) { self.init(PackedReader(ArraySlice(bytes))) }

    private init?(_ packed: PackedReader) {
        var reader = packed
        guard reader.byte() == 1 else { return nil }
        entries = []
        while !reader.isAtEnd {
            guard let field = ProfileField(packed: reader.number()), let position = reader.int64(), position > 0,
                let digest = reader.byte()
            else { return nil }
            if let last = entries.last, last.field.packed >= field.packed { return nil }
            entries.append(Entry(field: field, position: position, digest: digest))
        }
    }
}

extension ProfileValue {
    /// Texts byte by byte: Swift takes two spellings of one letter for the same.
    fileprivate func isSame(as other: ProfileValue) -> Bool {
        guard case (.string(let own), .string(let others)) = (value, other.value) else { return self == other }
        return version == other.version && own.utf8.elementsEqual(others.utf8)
    }

    /// 1 to 255; the same in every process, since stores keep it.
    fileprivate var digest: UInt8 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        func add(_ byte: UInt8) {
            hash ^= UInt64(byte)
            hash &*= 0x0000_0100_0000_01B3
        }
        func add(_ number: UInt64) {
            for shift in stride(from: UInt64(0), to: 64, by: 8) { add(UInt8(truncatingIfNeeded: number >> shift)) }
        }
        add(UInt64(bitPattern: version))
        switch value {
        case .string(let text): for byte in text.utf8 { add(byte) }
        case .integer(let number): add(UInt64(bitPattern: number))
        case .double(let number): add(number.bitPattern)
        case .boolean(let flag): add(UInt8(flag ? 1 : 2))
        }
        return UInt8(truncatingIfNeeded: (hash ^ hash >> 32) % 255) + 1
    }
}

/// The positions of a profile's changes, from the newest on: from the indexes of its sections, and from the edits of each
/// change to those before it.
package struct ChangeTrail {
    /// Rising, each once: a long history of many fields is walked without a look at all of them in each step.
    private var positions: [Int64]
    private let kinds: Set<ProfileField.Kind>?

    /// - Parameter kinds: nil: of all fields.
    package init(_ indexes: some Sequence<FieldIndex>, kinds: Set<ProfileField.Kind>? = nil) {
        self.kinds = kinds
        positions = []
        positions = Set(indexes.flatMap { $0.entries.filter { leads($0.field) }.map(\.position) }).sorted()
    }

    /// Whether a change of this field is one of those that are meant.
    package func leads(_ field: ProfileField) -> Bool { kinds?.contains(field.kind) ?? true }

    /// The newest that was not taken yet; nil: there are no more.
    package mutating func next() -> Int64? { positions.popLast() }

    /// Some of those that come next, as far as they are known by now: a store that reads several at once reads these.
    package func upcoming(_ count: Int) -> ArraySlice<Int64> { positions.suffix(count) }

    /// To be called with the edits of each change that ``next()`` gave, before the next is asked for.
    package mutating func follow(_ edits: PackedEdits) {
        for edit in edits.edits where leads(edit.field) { if let previous = edit.previous { add(previous) } }
    }

    private mutating func add(_ position: Int64) {
        var (low, high) = (0, positions.count)
        while low < high {
            let middle = (low + high) / 2
            if positions[middle] < position { low = middle + 1 } else { high = middle }
        }
        if low == positions.count || positions[low] != position { positions.insert(position, at: low) }
    }
}
