public import OvationCore

extension SQLiteStore: DefinitionStore {
    /// A lock on the file says that it is not.
    public var isShared: Bool { false }

    public func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences] {
        try await reader.read { database in try AccountRows.lastSequences(database) }
    }

    public func load() async throws(StoreFailure) -> StoreContents {
        try await reader.read { database in try AccountRows.load(database) }
    }

    public func commit(_ change: AccountChange) async throws(StoreFailure) {
        try await write { database, appender in
            try AccountRows.commit(database, change)
            if change.mapped != nil { appender.profiles.data.forgetMapped() }
            appender.noteLogEntries(change.entries.count + change.acts.count)
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry] {
        try await reader.read { database in try AccountRows.log(database, range) }
    }
}
