public import OvationCore

extension PostgresStore: DefinitionStore {
    public var isShared: Bool { true }

    /// Listens as long as somebody wants to know.
    public var changes: AsyncStream<Void> { listener.changes() }

    /// Also takes over what older servers wrote since, so that it is in the audit trail within the time in which servers
    /// hear of each other. What cannot be taken over now waits for the next call: servers must learn of a revoked key
    /// whatever else goes on.
    public func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences] {
        let (sequences, isComplete) = try await reader.read { connection in
            let results = try connection.run([Command(AccountSQL.lastSequences), Command(AuditSQL.accountsOfOlder)])
            return (AccountRows.sequences(results[0]), results[1].count == 0)
        }
        guard !isComplete else { return sequences }
        do throws(StoreFailure) {
            try await write(for: 0) { connection, _, _ in try AuditRows.takeOver(connection) }
        } catch {
            return sequences
        }
        return try await reader.read { AccountRows.sequences(try $0.run(AccountSQL.lastSequences)) }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read { try AccountRows.load($0) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        try await write(for: change.account.number) { connection, _, isRepeat in
            try AccountRows.commit(connection, change, isRepeat: isRepeat)
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry] {
        try await reader.read { try AuditRows.log($0, range) }
    }
}
