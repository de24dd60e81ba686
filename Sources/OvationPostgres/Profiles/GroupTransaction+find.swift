import OvationCore
import OvationRows

/// How a group finds its profiles, and makes those that are not there.
extension GroupTransaction {
    func resolve() throws(PostgresFailure) {
        while true {
            let isNeeded = Set(
                posts.indices.lazy.filter { self.mustStore($0) && self.posts[$0].makesProfiles }
                    .flatMap { self.needs[$0] })
            if isSpread { takeFree(isNeeded) }
            guard isNeeded.contains(where: { wanted[$0].id == nil }) else { return }
            for index in wanted.indices { wanted[index].isConditional = !isNeeded.contains(index) }
            try findInside()
        }
    }

    /// The same as ``find(after:)`` inside the transaction.
    func findInside() throws(PostgresFailure) {
        guard node == nil else { throw .throughCoordinator("two new keys have one hash") }
        try find { round in
            for wanted in wanted where wanted.id == nil { mark(wanted.candidate.value, in: &round) }
        }
    }

    /// The transaction is about to read a profile, so its shard is written to first. Where it may change the profile's state, no
    /// lane stores posts on the profile's node meanwhile.
    func mark(_ profile: Int64, in round: inout Round) {
        guard isSpread else { return }
        round.add(Command(WriteSQL.markWritten) { $0.add(profile) })
        if posts.contains(where: \.touchesState) { round.add(Command(NodeSQL.awaitOrder) { $0.add(profile) }) }
    }

    /// Of the profiles whose state is to change, as far as they are known before the transaction.
    func addNodeLocks(to round: inout Round) {
        let needed = posts.indices.filter { posts[$0].touchesState }.flatMap { needs[$0] }
        for id in Set(needed.compactMap { wanted[$0].id }).sorted() { mark(id, in: &round) }
    }

    /// Whether there is a profile of which nobody knows yet whether it is there.
    var hasUnasked: Bool { wanted.contains { $0.id == nil && !$0.isFree } }

    /// One round trip.
    func find(after prepare: (inout Round) -> Void) throws(PostgresFailure) {
        var round = Round()
        prepare(&round)
        let find = addProfiles(to: &round, inserting: { !$0.isConditional && !isSpread })
        let results = try connection.run(round.commands)
        if let find { note(found: results[find.rows], made: find.made.map { results[$0] }) }
    }

    /// Of two profiles with one hash, the second has to look further.
    private func takeFree(_ isNeeded: Set<Int>) {
        var taken = Set(made.map { wanted[$0].candidate.value })
        for index in isNeeded.sorted() where wanted[index].id == nil && wanted[index].isFree {
            let candidate = wanted[index].candidate
            if taken.insert(candidate.value).inserted {
                wanted[index].id = candidate.value
                wanted[index].isMade = wanted[index].isChanged
                made.append(index)
            } else {
                wanted[index].candidate = candidate.afterCollision
                wanted[index].isFree = false
            }
        }
    }

    /// The profiles that step 4 makes. nil: none.
    func newProfiles() -> Command? {
        let founded = planned.flatMap { planned in
            planned.draft.founded.map { founded in
                Wanted(
                    address: KnownProfiles.Address(founded.address), createdAt: planned.change.at,
                    candidate: ProfileID(founded.id), isConditional: false)
            }
        }
        let new = (made.map { wanted[$0] } + founded).sorted { $0.candidate.value < $1.candidate.value }
        return new.isEmpty ? nil : Command(WriteSQL.insertNewProfiles) { GroupTransaction.add(new, to: &$0) }
    }

    /// Returns the places of the command that finds them, and of the one that tells of some which it made. nil: all are
    /// known.
    func addProfiles(
        to round: inout Round, inserting isInserted: (Wanted) -> Bool
    ) -> (rows: Int, made: Int?)? {
        let missing = wanted.filter { $0.id == nil }.sorted { $0.candidate.value < $1.candidate.value }
        guard !missing.isEmpty else { return nil }
        let new = missing.filter { isInserted($0) && !$0.isChanged }
        if !new.isEmpty {
            round.add(Command(WriteSQL.insertProfiles) { GroupTransaction.add(new, to: &$0) })
        }
        let told = missing.filter { isInserted($0) && $0.isChanged }
        let made =
            told.isEmpty ? nil : round.add(Command(ChangeSQL.makeProfiles) { GroupTransaction.add(told, to: &$0) })
        return (round.add(Command(WriteSQL.findProfiles) { $0.add(missing.map(\.candidate.value)) }), made)
    }

    private static func add(_ new: [Wanted], to arguments: inout Arguments) {
        arguments.add(new.map(\.candidate.value))
        arguments.add(new.map(\.address.account))
        arguments.add(new.map(\.address.keyspace))
        arguments.add(new.map(\.address.key))
        arguments.add(new.map(\.createdAt.milliseconds))
    }

    /// Whether this stayed of the key when it was locked for good.
    private func isMark(_ text: String, of address: KnownProfiles.Address) -> Bool {
        guard LockedKeys.isMark(text) else { return false }
        return text
            == memory.lockedKeys.mark(account: address.account, keyspace: address.keyspace, key: address.key)
    }

    func note(found rows: PostgresResult, made: PostgresResult?) {
        let made = Set(made?.column(0) ?? [])
        var owners: [Int64: KnownProfiles.Address] = [:]
        var states: [Int64: ProfileState] = [:]
        for row in 0..<rows.count {
            if rows.int64(row, 4) != 0 { states[rows.int64(row, 0)] = ProfileState(stored: rows.int64(row, 4)) }
            owners[rows.int64(row, 0)] = KnownProfiles.Address(
                account: rows.int64(row, 1), keyspace: rows.int64(row, 2), key: rows.text(row, 3))
        }
        for index in wanted.indices where wanted[index].id == nil {
            let candidate = wanted[index].candidate
            guard let owner = owners[candidate.value] else {
                wanted[index].isFree = true
                continue
            }
            if owner == wanted[index].address || isMark(owner.key, of: wanted[index].address) {
                wanted[index].id = candidate.value
                wanted[index].state = states[candidate.value] ?? .open
                wanted[index].isMade = made.contains(candidate.value)
            } else {
                wanted[index].candidate = candidate.afterCollision
                wanted[index].isFree = false
            }
        }
    }
}
