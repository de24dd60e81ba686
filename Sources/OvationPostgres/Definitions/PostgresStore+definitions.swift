public import OvationCore

extension PostgresStore: DefinitionStore {
    public var isShared: Bool { true }

    /// Listens as long as somebody wants to know.
    public var changes: AsyncStream<Void> { listener.changes() }

    public func lastSequences() async throws(StoreFailure) -> [Int64: Int64] {
        try await reader.read { connection in
            let rows = try connection.run([Command(AccountSQL.lastSequences)])[0]
            return AccountRows.sequences(rows)
        }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read { try AccountRows.load($0) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        try await write(for: change.account.number) { connection, _, isRepeat in
            try AccountRows.commit(connection, change, isRepeat: isRepeat)
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [LogEntry] {
        try await reader.read { try AccountRows.log($0, range) }
    }
}
