import OvationCore

/// Changes the profile of one row.
struct RowChange: Sendable {
    let store: any ProfileStore
    let caller: Identity
    let plan: ImportPlan
    /// Number of the section in the account.
    let section: Int64
    let clock: WallClock

    /// - Throws: where the server stops, or the store has been away for ``patience``. What may be over sooner is tried until it
    ///   is.
    func apply(_ row: ImportRow) async throws -> RowOutcome {
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
        var operations: [ProfileChange.Operation] = []
        if !row.edits.isEmpty { operations.append(.update(section: section, row.edits)) }
        if !row.consents.isEmpty { operations.append(.consent(section: section, row.consents)) }
        // Another caller may make or delete the profile meanwhile.
        while true {
            if plan.mapping.updatesExisting, !operations.isEmpty {
                switch try await change(profile, .exists, operations) {
                case .noProfile: break
                case let outcome: return self.outcome(outcome, made: .updated)
                }
            }
            switch try await change(profile, .isNew, making(profile, row, keyspace)) {
            case .exists where plan.mapping.updatesExisting && !operations.isEmpty: continue
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

    /// The keys of a row lead to one profile afterwards. Merges come first: where one is refused, no value of the row is stored,
    /// but a merge of two of its keys before that one stays.
    private func merge(_ addresses: [ProfileAddress], _ row: ImportRow) async throws -> RowOutcome {
        var isThere = false
        for address in addresses where !isThere {
            isThere = try await lasting { () throws(StoreFailure) in try await store.profile(.address(address)) } != nil
        }
        if isThere, !plan.mapping.updatesExisting { return .unchanged }
        var isChanged = false
        for other in addresses.dropFirst() {
            switch try await change(addresses[0], .none, [.merge(other, caller.mergeRules)]) {
            case .changed: isChanged = true
            case .unchanged: break
            case let refused: return outcome(refused, made: .updated)
            }
        }
        let operations = making(addresses[0], row, row.keys[0].keyspace)
        if !operations.isEmpty {
            switch outcome(try await change(addresses[0], .none, operations), made: .updated) {
            case .updated, .made: isChanged = true
            case .unchanged: break
            case .refused(let refusal): return .refused(refusal)
            }
        }
        return isThere ? (isChanged ? .updated : .unchanged) : .made
    }

    private func outcome(_ outcome: ProfileChangeOutcome, made: RowOutcome) -> RowOutcome {
        switch outcome {
        case .changed, .consented: return made
        case .unchanged: return .unchanged
        default:
            let problem = outcome.problem(caller)
            return .refused(ImportRefusal(problem.code, problem.detail))
        }
    }

    private func change(
        _ profile: ProfileAddress, _ precondition: ProfileChange.Precondition, _ operations: [ProfileChange.Operation]
    ) async throws -> ProfileChangeOutcome {
        let change = ProfileChange(
            profile: profile, at: clock.now(), actor: caller.key.clientID, precondition: precondition,
            operations: operations)
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
