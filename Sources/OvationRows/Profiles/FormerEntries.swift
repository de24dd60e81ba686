package import OvationCore

/// What led to the values that a profile had before each of its changes, found while one goes through the changes from the
/// newest on. A profile of one member had what its change says; of several, any of those that were its members by then can
/// have had the value that counted.
package struct FormerEntries: Sendable {
    private let tree: MemberTree
    /// By section and member, the changes that touched each field last, of those that were not gone past yet.
    private var positions: [Int64: [Int64: [ProfileField: Int64]]] = [:]

    package init(_ tree: MemberTree, _ indexes: some Sequence<(section: Int64, indexes: [Int64: FieldIndex])>) {
        self.tree = tree
        guard tree.count > 1 else { return }
        for (section, indexes) in indexes {
            positions[section] = indexes.mapValues { index in
                Dictionary(uniqueKeysWithValues: index.entries.map { ($0.field, $0.position) })
            }
        }
    }

    /// Goes past a change. All that are newer were gone past before.
    package mutating func pass(_ edits: PackedEdits, section: Int64?, member: Int64) {
        guard tree.count > 1, let section else { return }
        for edit in edits.edits { positions[section]?[member]?[edit.field] = edit.previous }
    }

    /// What the profile had in the fields of a change before it. To be asked before one goes past it.
    package func before(
        _ edits: PackedEdits, at position: Int64, section: Int64?, member: Int64
    ) -> [ProfileField: FormerEntry] {
        let tree = tree.count > 1 ? tree.part(of: member, before: position) : tree
        var entries: [ProfileField: FormerEntry] = [:]
        for edit in edits.edits where edit.field != .life {
            var found: [Int64: Int64] = [:]
            if let section, tree.count > 1 {
                for other in tree.members.keys { found[other] = positions[section]?[other]?[edit.field] }
            }
            found[member] = edit.previous
            if !found.isEmpty { entries[edit.field] = FormerEntry(tree: tree, field: edit.field, positions: found) }
        }
        return entries
    }
}

/// What led to the value of one field before a change.
package struct FormerEntry: Sendable {
    fileprivate let tree: MemberTree
    fileprivate let field: ProfileField
    /// By member, the change that touched the field last.
    package let positions: [Int64: Int64]

    /// The value that counted.
    /// - Parameter value: what a change set the field to; nil: it cleared it.
    package func value(_ value: (_ member: Int64, _ position: Int64) throws -> ProfileValue?) rethrows -> ProfileValue?
    {
        let values = try positions.reduce(into: [Int64: ProfileValue]()) { $0[$1.key] = try value($1.key, $1.value) }
        guard tree.count > 1 else { return values.first?.value }
        let indexes = positions.reduce(into: [Int64: FieldIndex]()) { indexes, found in
            indexes[found.key] = FieldIndex(of: field, at: found.value, isCleared: values[found.key] == nil)
        }
        return MergedIndex(tree, indexes)[field].flatMap { values[$0.member] }
    }
}
