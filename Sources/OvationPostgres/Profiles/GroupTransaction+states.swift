import OvationCore
import OvationRows

/// Whether the profiles of a group take data. See rule 18 of DESIGN.md.
extension GroupTransaction {
    /// Refuses posts to profiles that take no events. No round trip, but where a state has changed since this lane looked
    /// last, and after a collision.
    func judge() throws(PostgresFailure) {
        if let stateNumber, stateNumber != memory.known.stateNumber { try learnStates(upTo: stateNumber) }
        while hasUnasked { try find { _ in } }
        for index in posts.indices where mustStore(index) && posts[index].asksOfProfiles {
            let refused = needs[index].indices.compactMap { place in
                let state = wanted[needs[index][place]].state
                return state == .open ? nil : RefusedProfile(index: place, state: state)
            }
            if !refused.isEmpty { outcomes[index] = .refused(refused) }
        }
    }

    private func learnStates(upTo number: Int64) throws(PostgresFailure) {
        let rows = try connection.run(ChangeSQL.statesSince) {
            $0.add(memory.known.stateNumber)
            $0.add(Int64(Limits.statesLearnedMax) + 1)
        }
        guard rows.count <= Limits.statesLearnedMax else {
            // To ask for each profile anew is less than to read all that changed.
            memory.known.forget(upTo: number)
            throw PostgresFailure(state: "40001", message: "the states of many profiles changed meanwhile")
        }
        var states: [Int64: ProfileState] = [:]
        for row in 0..<rows.count {
            let (id, state) = (rows.int64(row, 0), ProfileState(stored: rows.int64(row, 1)))
            states[id] = KnownProfiles.newer(state, than: states[id])
        }
        memory.known.note(states, upTo: number)
        for index in wanted.indices {
            guard let id = wanted[index].id, let state = states[id] else { continue }
            guard state != .locked else {
                wanted[index].state = state
                continue
            }
            // Inside a transaction no node is read: the next try looks for the profile before it.
            if isSpread { throw PostgresFailure(state: "40001", message: "a key leads elsewhere since") }
            wanted[index].leave(id)
        }
    }

    /// Takes back what step 1 made for a chunk that is refused since: of its profiles, those that this transaction made and
    /// that no other post needs. nil: there is none.
    func unmade() -> Command? {
        guard !isSpread else { return nil }
        let refused = posts.indices.filter { if case .refused? = outcomes[$0] { true } else { false } }
        guard !refused.isEmpty else { return nil }
        let others = Set(posts.indices.filter { !refused.contains($0) }.flatMap { needs[$0] })
        let indexes = Set(refused.flatMap { needs[$0] }).filter { !others.contains($0) && wanted[$0].isNew }
        for index in indexes { wanted[index].isUnmade = true }
        let ids = indexes.compactMap { wanted[$0].id }.sorted()
        return ids.isEmpty ? nil : Command(ChangeSQL.unmakeProfiles) { $0.add(ids) }
    }
}
