public import OvationCore
import OvationRows

extension PostgresStore: DefinitionStore {
    public var isShared: Bool { true }

    /// Listens as long as somebody wants to know.
    public var changes: AsyncStream<Void> { listener.changes() }

    /// Also takes over what older servers wrote since, so that it is in the audit trail within the time in which servers
    /// hear of each other. What cannot be taken over now waits for the next call: servers must learn of a revoked key
    /// whatever else goes on.
    public func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences] {
        let (sequences, isComplete) = try await reader.read(.coordinator) { connection in
            let results = try connection.run([Command(AccountSQL.lastSequences), Command(AuditSQL.accountsOfOlder)])
            return (AccountRows.sequences(results[0]), results[1].count == 0)
        }
        guard !isComplete else { return sequences }
        do throws(StoreFailure) {
            try await write(at: .account(0)) { connection, _, _ in try AuditRows.takeOver(connection) }
        } catch {
            return sequences
        }
        return try await reader.read(.coordinator) { AccountRows.sequences(try $0.run(AccountSQL.lastSequences)) }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read(.coordinator) { try AccountRows.load($0) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        if let mapped = change.mapped { try await fillValues(of: mapped, account: change.account.number) }
        try await write(at: .account(change.account.number)) { connection, _, isRepeat in
            try AccountRows.commit(connection, change, isRepeat: isRepeat)
        }
        // Whatever stops this is met again by the next change of definitions, which goes on with it.
        if let mapped = change.mapped { try? await removeValues(but: mapped, account: change.account.number) }
    }

    /// Makes the values of attributes that are to be mapped, some at a time between the groups of posts.
    private func fillValues(of mapped: MappedAttributes, account: Int64) async throws(StoreFailure) {
        try await removeValues(but: mapped, account: account)
        let new = try await reader.read(.coordinator) {
            try MappedValueRows.stored($0, account: account).toFill(mapped)
        }
        guard !new.isEmpty else { return }
        try await write(at: .account(account)) { connection, _, _ in
            try MappedValueRows.begin(new, account: account, connection)
        }
        var place: GroupData.Place? = GroupData.Place(profile: .min, section: .min)
        while let behind = place {
            place = try await write(at: .account(account)) { connection, _, _ in
                try MappedValueRows.fillSome(behind: behind, of: new, account: account, connection)
            }
        }
    }

    /// Removes the values of attributes that are mapped no more, in the same way.
    private func removeValues(but mapped: MappedAttributes, account: Int64) async throws(StoreFailure) {
        let leaving = try await reader.read(.coordinator) {
            try MappedValueRows.stored($0, account: account).toRemove(mapped)
        }
        guard !leaving.isEmpty else { return }
        try await write(at: .account(account)) { connection, _, _ in
            // Groups that keep their values end before it.
            _ = try connection.run([
                Command(.begin), Command(Locks.awaitOrder), MappedValueRows.setState(leaving, .leaving, account),
                Command(.commit),
            ])
        }
        for attribute in leaving {
            while try await write(
                at: .account(account),
                { connection, _, _ in
                    try MappedValueRows.removeSome(of: attribute, account: account, connection)
                })
            {}
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry] {
        try await reader.read(.coordinator) { try AuditRows.log($0, range) }
    }
}
