import OvationCore
import Synchronization

/// Changes the profile of one row.
struct RowChange: Sendable {
    let store: any ProfileStore
    let caller: Identity
    let plan: ImportPlan
    /// Number of the section in the account.
    let section: Int64
    let clock: WallClock

    /// Changes the profiles of rows that have no key in common. They wait for the same commits.
    /// - Parameter expectsNew: whether to try first to make each profile. It changes nothing but the time.
    /// - Throws: where the server stops, or the store has been away for ``patience``. What may be over sooner is tried until it
    ///   is.
    func apply(_ rows: [ImportRow], expectsNew: Bool) async throws -> [RowOutcome] {
        var outcomes = [RowOutcome?](repeating: nil, count: rows.count)
        var round = rows.indices.filter { rows[$0].keys.count == 1 }
        for isFirst in [true, false] {
            let attempts = round.map { attempt(rows[$0], isNew: isFirst == expectsNew) }
            let results = await ChangeGroup.results(of: attempts.map(\.change), in: store)
            var undecided: [Int] = []
            for (index, (attempt, result)) in zip(round, zip(attempts, results)) {
                switch result {
                case .success(.noProfile): undecided.append(index)
                case .success(.exists) where mayUpdate(rows[index]): undecided.append(index)
                case .success(.exists): outcomes[index] = .unchanged
                case .success(let outcome): outcomes[index] = self.outcome(outcome, made: attempt.made)
                case .failure: break
                }
            }
            round = undecided
            if round.isEmpty { break }
        }
        // What is left has several keys, or met another caller, or a store that is busy.
        try await withThrowingTaskGroup(of: (Int, RowOutcome).self) { group in
            for (index, row) in rows.enumerated() where outcomes[index] == nil {
                group.addTask { (index, try await apply(row)) }
            }
            for try await (index, outcome) in group { outcomes[index] = outcome }
        }
        return outcomes.compactMap { $0 }
    }

    private func attempt(_ row: ImportRow, isNew: Bool) -> (change: ProfileChange, made: RowOutcome) {
        let key = row.keys[0]
        let profile = ProfileAddress(key.key, in: key.keyspace, account: caller.key.account)
        return isNew || !mayUpdate(row)
            ? (change(of: profile, .isNew, making(profile, row, key.keyspace)), .made)
            : (change(of: profile, .exists, operations(of: row)), .updated)
    }

    /// Whether the row does anything with a profile that is there.
    private func mayUpdate(_ row: ImportRow) -> Bool {
        plan.mapping.updatesExisting && !(row.edits.isEmpty && row.consents.isEmpty)
    }

    private func operations(of row: ImportRow) -> [ProfileChange.Operation] {
        (row.edits.isEmpty ? [] : [.update(section: section, row.edits)])
            + (row.consents.isEmpty ? [] : [.consent(section: section, row.consents)])
    }

    private func apply(_ row: ImportRow) async throws -> RowOutcome {
        let addresses = row.keys.map { ProfileAddress($0.key, in: $0.keyspace, account: caller.key.account) }
        do {
            guard addresses.count > 1 else {
                return try await update(addresses[0], row, keyspace: row.keys[0].keyspace)
            }
            return try await merge(addresses, row)
        } catch let failure as StoreFailure where failure.code == .damaged {
            // The others are not to wait for it.
            return .refused(ImportRefusal(.storeDamaged, "What is stored of the profile is damaged."))
        }
    }

    private func update(_ profile: ProfileAddress, _ row: ImportRow, keyspace: Keyspace) async throws -> RowOutcome {
        // Another caller may make or delete the profile meanwhile.
        while true {
            if mayUpdate(row) {
                switch try await change(profile, .exists, operations(of: row)) {
                case .noProfile: break
                case let outcome: return self.outcome(outcome, made: .updated)
                }
            }
            switch try await change(profile, .isNew, making(profile, row, keyspace)) {
            case .exists where mayUpdate(row): continue
            case .exists: return .unchanged
            case let outcome: return self.outcome(outcome, made: .made)
            }
        }
    }

    /// A profile that is made has its key as a value too, as when it is made by a request.
    private func making(
        _ profile: ProfileAddress, _ row: ImportRow, _ keyspace: Keyspace
    ) -> [ProfileChange.Operation] {
        var edits = row.edits
        if let edit = plan.target.edit(settingKey: profile.key), !edits.contains(where: { $0.field == edit.field }),
            keyspace.number == plan.target.keyspace.number
        {
            edits.append(edit)
        }
        return (edits.isEmpty ? [] : [.update(section: section, edits)])
            + (row.consents.isEmpty ? [] : [.consent(section: section, row.consents)])
    }

    /// The keys of a row lead to one profile afterwards. All of it is checked before the first merge, since each is a change of
    /// its own.
    private func merge(_ addresses: [ProfileAddress], _ row: ImportRow) async throws -> RowOutcome {
        let (profiles, isThere) = try await profiles(at: addresses)
        if isThere, !plan.mapping.updatesExisting { return .unchanged }
        let operations = making(addresses[0], row, row.keys[0].keyspace)
        let fields = operations.flatMap(\.fieldsSet)
        if let refusal = caller.mergeRules.refusal(merging: profiles, thenSetting: Set(fields), in: section) {
            return self.refused(refusal.problem(caller))
        }
        var isChanged = false
        for other in addresses.dropFirst() {
            switch try await change(addresses[0], .none, [.merge(other, caller.mergeRules)]) {
            case .changed: isChanged = true
            case .unchanged: break
            case let refused: return outcome(refused, made: .updated)
            }
        }
        if !operations.isEmpty {
            switch outcome(try await change(addresses[0], .none, operations), made: .updated) {
            case .updated, .made: isChanged = true
            case .unchanged: break
            case .refused(let refusal): return .refused(refusal)
            }
        }
        return isThere ? (isChanged ? .updated : .unchanged) : .made
    }

    /// What is stored under each address, and whether there is anything. What is not there, or locked, holds nothing.
    private func profiles(
        at addresses: [ProfileAddress]
    ) async throws -> (profiles: [ProfileData], isThere: Bool) {
        var profiles: [ProfileData] = []
        var isThere = false
        for address in addresses {
            if let data = try await lasting({ () throws(StoreFailure) in try await store.data(of: address, in: nil) }) {
                profiles.append(data)
                isThere = true
                continue
            }
            let found = try await lasting { () throws(StoreFailure) in try await store.profile(.address(address)) }
            if found != nil { isThere = true }
            let none = Profile(
                id: address.foundingID, key: address.profileKey, createdAt: clock.now(), state: found?.state ?? .open)
            profiles.append(ProfileData(profile: none, sections: []))
        }
        return (profiles, isThere)
    }

    private func outcome(_ outcome: ProfileChangeOutcome, made: RowOutcome) -> RowOutcome {
        switch outcome {
        case .changed, .consented: return made
        case .unchanged: return .unchanged
        default: return refused(outcome.problem(caller))
        }
    }

    private func refused(_ problem: Problem) -> RowOutcome {
        .refused(ImportRefusal(problem.code, problem.detail))
    }

    private func change(
        of profile: ProfileAddress, _ precondition: ProfileChange.Precondition,
        _ operations: [ProfileChange.Operation]
    ) -> ProfileChange {
        ProfileChange(
            profile: profile, at: clock.now(), actor: caller.key.clientID, precondition: precondition,
            operations: operations)
    }

    private func change(
        _ profile: ProfileAddress, _ precondition: ProfileChange.Precondition, _ operations: [ProfileChange.Operation]
    ) async throws -> ProfileChangeOutcome {
        let change = change(of: profile, precondition, operations)
        return try await lasting { () throws(StoreFailure) in try await store.change(change) }
    }

    /// How long a row waits for the store. Then the job stays as it was noted, and other jobs have their turn.
    private static let patience = Duration.seconds(10)

    /// Tries until the store can, or for ``patience``. The same change again is none, so a doubt is no harm.
    private func lasting<Value: Sendable>(
        _ work: () async throws(StoreFailure) -> Value
    ) async throws -> Value {
        var pause = Duration.milliseconds(10)
        let end = ContinuousClock.now.advanced(by: RowChange.patience)
        while true {
            do throws(StoreFailure) {
                return try await work()
            } catch {
                switch error.code {
                case .busy, .full, .unavailable, .outcomeUnknown:
                    guard ContinuousClock.now < end else { throw error }
                    try await Task.sleep(for: pause)
                case .closed, .sequenceTaken, .unusable, .inUse, .damaged: throw error
                }
            }
            pause = min(pause * 2, .seconds(2))
        }
    }
}

/// Many changes that wait for the same commits. One task waits for all of them: a task for each would cost more than its row.
private final class ChangeGroup: Sendable {
    typealias Result = Swift.Result<ProfileChangeOutcome, StoreFailure>

    private struct State {
        var results: [Result]
        var missing: Int
        var waiting: UnsafeContinuation<[Result], Never>?
    }

    private let state: Mutex<State>

    private init(_ count: Int, _ waiting: UnsafeContinuation<[Result], Never>) {
        let none = Result.failure(StoreFailure(.unavailable, "the store has not answered"))
        state = Mutex(State(results: Array(repeating: none, count: count), missing: count, waiting: waiting))
    }

    /// What became of each, in their order.
    static func results(of changes: [ProfileChange], in store: any ProfileStore) async -> [Result] {
        guard !changes.isEmpty else { return [] }
        return await withUnsafeContinuation { waiting in
            let group = ChangeGroup(changes.count, waiting)
            for (index, change) in changes.enumerated() { store.change(change, tell: Receiver(group, index)) }
        }
    }

    private func receive(_ result: Result, _ index: Int) {
        let ended = state.withLock { state -> (UnsafeContinuation<[Result], Never>, [Result])? in
            state.results[index] = result
            state.missing -= 1
            guard state.missing == 0, let waiting = state.waiting else { return nil }
            state.waiting = nil
            return (waiting, state.results)
        }
        if let ended { ended.0.resume(returning: ended.1) }
    }

    private final class Receiver: ChangeReceiver {
        private let group: ChangeGroup
        private let index: Int

        init(_ group: ChangeGroup, _ index: Int) {
            self.group = group
            self.index = index
        }

        func receive(_ result: ChangeGroup.Result) { group.receive(result, index) }

        func allHaveReceived() {}
    }
}

extension ProfileChange.Operation {
    /// What has a value afterwards.
    fileprivate var fieldsSet: [ProfileField] {
        switch self {
        case .update(_, let edits): edits.filter { $0.value != nil }.map(\.field)
        case .consent(_, let edits): edits.map(\.place.field)
        case .lock, .erase, .merge, .unmerge, .restore, .addKey, .removeKey: []
        }
    }
}
