import OvationCore

/// What a store must answer about profiles of several members, in the plainest way: a list of what happened, which is gone
/// through from its beginning for each question. To undo a merge is to strike it from the list.
struct MemberModel {
    struct Member {
        let id: Int64
        let keyspace: Int64
        /// nil: it was taken from it.
        var key: String?
        let createdAt: Timestamp
        var isLocked = false
        /// Locked for good: the key is known, and nothing else is there.
        var isEmptied = false
        var isErased = false
        var parent: Int?
        var joined = 0
        var events: [(number: Int, time: Timestamp)] = []
        /// Its rows of the history.
        var rows: [(number: Int, kind: ProfileChange.Kind)] = []
        /// What it has itself.
        var own: [Int64: [ProfileField: ProfileValue]] = [:]
    }

    struct Held {
        let value: ProfileValue
        let member: Int
    }

    typealias Values = [Int64: [ProfileField: Held]]

    private enum Step {
        /// - Parameter number: of the row that says so.
        case set(member: Int, section: Int64, ProfileField, ProfileValue?, number: Int)
        case join(Int, to: Int)
    }

    private(set) var members: [Member] = []
    private(set) var erased: [(id: ErasureID, counts: Erasure.Counts)] = []
    private var steps: [Step] = []
    /// Of the newest event or row.
    private var number = 0
    /// Whether the change that is applied gives a consent where there was none.
    private var givesConsent = false

    // MARK: Looking

    /// - Parameter free: is set to the id that a new profile would get.
    private func find(_ address: ProfileAddress, free: inout Int64) -> Int? {
        var id = address.foundingID
        while let place = members.firstIndex(where: { $0.id == id.value }) {
            let member = members[place]
            if member.keyspace == address.keyspace, member.key == address.key.text { return place }
            id = id.afterCollision
        }
        free = id.value
        return nil
    }

    func find(_ address: ProfileAddress) -> Int? {
        var free: Int64 = 0
        return find(address, free: &free)
    }

    func root(_ member: Int) -> Int { members[member].parent.map { root($0) } ?? member }

    /// The canonical one first, then in the order in which they were joined.
    func tree(_ member: Int) -> [Int] {
        let root = root(member)
        return members.indices.filter { self.root($0) == root }
            .sorted { (members[$0].joined, members[$0].id) < (members[$1].joined, members[$1].id) }
    }

    func profile(_ member: Int) -> Profile {
        let tree = tree(member)
        return Profile(
            members: tree.map { place in
                let member = members[place]
                return ProfileMember(
                    id: ProfileID(member.id), key: member.key.map { Profile.Key(keyspace: member.keyspace, text: $0) },
                    createdAt: member.createdAt)
            }, state: members[member].isLocked ? .locked : .open)
    }

    func events(_ member: Int) -> [Timestamp] {
        tree(member).flatMap { members[$0].events }.sorted { ($0.time, $0.number) > ($1.time, $1.number) }.map(\.time)
    }

    struct Row: Equatable {
        let kind: ProfileChange.Kind
        /// Each field with what the profile had and has since, as texts.
        let edits: [[[UInt8]]]
    }

    /// Newest first.
    func changes(_ member: Int) -> [Row] {
        let edits = replay().edits
        return tree(member).flatMap { members[$0].rows }.sorted { $0.number > $1.number }.map { row in
            Row(kind: row.kind, edits: edits[row.number] ?? [])
        }
    }

    /// Of the profiles that are open, each once.
    func consentCounts(_ section: Int64) -> [ConsentCount] {
        let values = replay().values
        let open = members.indices.filter {
            members[$0].parent == nil && !members[$0].isLocked && !members[$0].isErased
        }
        return ConsentModel.counts(
            open.map { (values[$0][section] ?? [:]).mapValues(\.value) })
    }

    func values(_ member: Int) -> Values { replay().values[member] }

    /// Goes through all that happened.
    /// - Returns: what each member's profile holds, and what each row changed of the profile that its member was of by then.
    private func replay() -> (values: [Values], edits: [Int: [[[UInt8]]]]) {
        var roots = Array(members.indices)
        var values: [Int: Values] = [:]
        var edits: [Int: [[[UInt8]]]] = [:]
        var consents: [(member: Int, section: Int64, field: ProfileField, value: ProfileValue?)] = []
        for step in steps {
            switch step {
            case .set(let member, let section, let field, let value, let number) where field.kind == .consent:
                // Of consents the last word counts, whichever key it came by.
                let said = consents.last {
                    roots[$0.member] == roots[member] && $0.section == section && $0.field == field
                }
                edits[number, default: []].append(MemberModel.edit(field, from: said?.value, to: value))
                consents.append((member, section, field, value))
            case .set(let member, let section, let field, let value, let number):
                let from = values[roots[member]]?[section]?[field]?.value
                edits[number, default: []].append(MemberModel.edit(field, from: from, to: value))
                values[roots[member], default: [:]][section, default: [:]][field] = value.map {
                    Held(value: $0, member: member)
                }
            case .join(let joined, let other):
                let (from, to) = (roots[joined], roots[other])
                for (section, fields) in values[from] ?? [:] {
                    values[to, default: [:]][section, default: [:]].merge(fields) { own, _ in own }
                }
                for place in roots.indices where roots[place] == from { roots[place] = to }
            }
        }
        let found = roots.map { root in
            consents.filter { roots[$0.member] == root }.reduce(into: values[root] ?? [:]) { found, said in
                found[said.section, default: [:]][said.field] = said.value.map { Held(value: $0, member: said.member) }
            }
        }
        return (found, edits)
    }

    static func edit(_ field: ProfileField, from: ProfileValue?, to: ProfileValue?) -> [[UInt8]] {
        [Array("\(field)".utf8), ProfileModel.text(from), ProfileModel.text(to)]
    }

    private func side(_ member: Int, _ rules: MergeRules) -> MergeRules.Side {
        let values = values(member)
        var side = MergeRules.Side(profile: profile(member))
        for attribute in rules.attributes {
            side.values[attribute] = values[attribute.section]?[.attribute(attribute.number)]?.value.value
        }
        return side
    }

    // MARK: Posting

    mutating func append(_ batch: EventBatch) -> AppendOutcome {
        if let member = find(batch.profile), members[member].isLocked {
            return .refused([RefusedProfile(index: 0, state: .locked)])
        }
        let member = make(batch.profile, at: batch.receivedAt).member
        for event in batch.events {
            number += 1
            members[member].events.append((number, event.eventTime))
        }
        return .stored
    }

    private mutating func make(_ address: ProfileAddress, at now: Timestamp) -> (member: Int, isNew: Bool) {
        var free: Int64 = 0
        if let member = find(address, free: &free) { return (member, false) }
        members.append(
            Member(id: free, keyspace: address.keyspace, key: address.key.text, createdAt: now))
        return (members.count - 1, true)
    }

    // MARK: Changing

    /// - Returns: a position of 0 stands for any.
    mutating func change(_ change: ProfileChange) -> ProfileChangeOutcome {
        // Nothing of it counts if it is refused.
        var copy = self
        let outcome = copy.apply(change)
        switch outcome {
        case .changed, .consented, .unchanged: self = copy
        default: break
        }
        return outcome
    }

    private mutating func apply(_ change: ProfileChange) -> ProfileChangeOutcome {
        if find(change.profile) == nil, change.precondition == .exists { return .noProfile }
        let (member, isNew) = make(change.profile, at: change.at)
        let before = number
        givesConsent = false
        for operation in change.operations {
            if let refusal = apply(operation, of: change, to: member) { return refusal }
        }
        if number > before { return givesConsent ? .consented(position: 0) : .changed(position: 0) }
        return isNew ? .changed(position: nil) : .unchanged
    }

    private mutating func note(_ kind: ProfileChange.Kind, of member: Int) {
        number += 1
        members[member].rows.append((number, kind))
    }

    private mutating func apply(
        _ operation: ProfileChange.Operation, of change: ProfileChange, to member: Int
    ) -> ProfileChangeOutcome? {
        if case .merge(let other, let rules) = operation { return merge(member, other, rules, change.at) }
        if case .lock = operation {
            lock(member)
            return nil
        }
        if case .erase(let id, _, true) = operation {
            if !members[member].isEmptied { erase(member, id, locking: true) }
            return nil
        }
        guard !members[member].isLocked else { return .refused(.locked) }
        switch operation {
        case .update(let section, let edits): update(member, section, edits)
        case .consent(let section, let asked): return consent(member, section, asked)
        case .erase(let id, _, _): erase(member, id, locking: false)
        case .unmerge: return unmerge(member, change)
        case .restore: return restore(member)
        case .addKey(let address, let rules): return addKey(member, address, rules, change)
        case .removeKey:
            guard tree(member).contains(where: { $0 != member && members[$0].key != nil }) else { return .lastKey }
            members[member].key = nil
            note(.keyRemoved, of: member)
        case .lock, .merge: break
        }
        return nil
    }

    private mutating func update(_ member: Int, _ section: Int64, _ edits: [ProfileEdit]) {
        let held = values(member)[section] ?? [:]
        let changed = edits.filter { edit in
            guard let now = held[edit.field] else { return edit.value != nil }
            return now.member != member || ProfileModel.text(now.value) != ProfileModel.text(edit.value)
        }
        guard !changed.isEmpty else { return }
        note(.updated, of: member)
        for edit in changed {
            steps.append(.set(member: member, section: section, edit.field, edit.value, number: number))
            members[member].own[section, default: [:]][edit.field] = edit.value
        }
    }

    private mutating func consent(
        _ member: Int, _ section: Int64, _ asked: [ConsentEdit]
    ) -> ProfileChangeOutcome? {
        let consents = ConsentModel(asked, held: (values(member)[section] ?? [:]).mapValues(\.value))
        if let refusal = consents.refusal { return refusal }
        if consents.isMade { givesConsent = true }
        update(member, section, consents.edits)
        return nil
    }

    private mutating func lock(_ member: Int) {
        for place in tree(member) where !members[place].isLocked {
            members[place].isLocked = true
            note(.locked, of: place)
        }
    }

    private mutating func merge(
        _ member: Int, _ address: ProfileAddress, _ rules: MergeRules, _ now: Timestamp
    ) -> ProfileChangeOutcome? {
        let other = make(address, at: now).member
        guard root(member) != root(other) else { return nil }
        guard !members[member].isLocked, !members[other].isLocked else {
            lock(member)
            lock(other)
            return nil
        }
        let (one, two) = (side(member, rules), side(other, rules))
        if let keyspace = rules.difference(one, two) { return .different(keyspace: keyspace) }
        let isFirst = rules.isCanonical(one, over: two)
        join(root(isFirst ? other : member), to: root(isFirst ? member : other))
        return nil
    }

    private mutating func join(_ child: Int, to parent: Int) {
        note(.merged, of: child)
        (members[child].parent, members[child].joined) = (parent, number)
        steps.append(.join(child, to: parent))
        note(.merged, of: parent)
    }

    private mutating func unmerge(_ member: Int, _ change: ProfileChange) -> ProfileChangeOutcome? {
        let tree = tree(member)
        guard tree.count > 1 else { return nil }
        guard tree[0] != member else { return .canonical }
        guard tree.contains(where: { $0 != member && members[$0].key != nil }) else { return .lastKey }
        members[member].key = nil
        note(.unmerged, of: member)
        note(.unmerged, of: make(change.profile, at: change.at).member)
        return nil
    }

    private mutating func restore(_ member: Int) -> ProfileChangeOutcome? {
        var path = [member]
        while let parent = members[path[path.count - 1]].parent { path.append(parent) }
        guard tree(member).count > 1 else { return nil }
        guard let child = path.dropLast().max(by: { members[$0].joined < members[$1].joined }),
            let parent = members[child].parent
        else { return .canonical }
        (members[child].parent, members[child].joined) = (nil, 0)
        steps.removeAll { if case .join(child, _) = $0 { true } else { false } }
        for part in [child, parent] where !tree(part).contains(where: { members[$0].key != nil }) { return .lastKey }
        note(.restored, of: child)
        note(.restored, of: root(parent))
        return nil
    }

    private mutating func addKey(
        _ member: Int, _ address: ProfileAddress, _ rules: MergeRules, _ change: ProfileChange
    ) -> ProfileChangeOutcome? {
        if let other = find(address) {
            guard root(other) != root(member) else { return nil }
            return members[other].isLocked ? .refused(.locked) : .taken
        }
        // As it is when the change is through.
        var after = self
        for operation in change.operations {
            switch operation {
            case .update(let section, let edits): after.update(member, section, edits)
            case .removeKey: after.members[member].key = nil
            default: break
            }
        }
        let added = make(address, at: change.at).member
        if let keyspace = rules.difference(after.side(member, rules), side(added, rules)) {
            return .different(keyspace: keyspace)
        }
        let root = root(member)
        note(.keyAdded, of: added)
        (members[added].parent, members[added].joined) = (root, number)
        steps.append(.join(added, to: root))
        return nil
    }

    private mutating func erase(_ member: Int, _ id: ErasureID, locking: Bool) {
        var counts = Erasure.Counts()
        for place in tree(member) {
            let held = members[place].own.values.flatMap(\.keys)
            counts.events += Int64(members[place].events.count)
            counts.changes += Int64(members[place].rows.count)
            counts.values += Int64(held.count { $0.kind == .attribute })
            counts.tags += Int64(held.count { $0.kind == .tag })
            counts.consents += ConsentModel.count(Array(members[place].own.values))
            members[place].isLocked = locking
            members[place].isEmptied = locking
            members[place].isErased = !locking
            if !locking { members[place].key = nil }
        }
        number += 1
        erased.append((id, counts))
    }
}
