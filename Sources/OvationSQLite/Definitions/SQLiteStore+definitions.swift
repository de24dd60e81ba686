public import OvationCore
import OvationRows

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
        if let mapped = change.mapped { try await fillValues(of: mapped, account: change.account.number) }
        try await write { database, appender in
            try AccountRows.commit(database, change)
            if change.mapped != nil { appender.profiles.data.forgetMapped() }
            appender.noteLogEntries(change.entries.count + change.acts.count)
        }
        // Whatever stops this is met again by the next change of definitions, which goes on with it.
        if let mapped = change.mapped { try? await removeValues(but: mapped, account: change.account.number) }
    }

    /// Makes the values of attributes that are to be mapped, some at a time between the groups of posts.
    private func fillValues(of mapped: MappedAttributes, account: Int64) async throws(StoreFailure) {
        try await removeValues(but: mapped, account: account)
        let new = try await reader.read { try MappedValueRows.stored($0, account: account).toFill(mapped) }
        guard !new.isEmpty else { return }
        try await write { database, appender in
            try MappedValueRows.begin(new, account: account, database)
            appender.profiles.data.forgetMapped()
        }
        var place: MappedValueRows.Place? = MappedValueRows.Place()
        while let behind = place {
            place = try await write { database, _ in
                try MappedValueRows.fillSome(behind: behind, of: new, account: account, database)
            }
        }
    }

    /// Removes the values of attributes that are mapped no more, in the same way.
    private func removeValues(but mapped: MappedAttributes, account: Int64) async throws(StoreFailure) {
        let leaving = try await reader.read { try MappedValueRows.stored($0, account: account).toRemove(mapped) }
        guard !leaving.isEmpty else { return }
        try await write { database, appender in
            try MappedValueRows.set(leaving, .leaving, account: account, database)
            appender.profiles.data.forgetMapped()
        }
        for attribute in leaving {
            while try await write({ database, _ in
                try MappedValueRows.removeSome(of: attribute, account: account, database)
            }) {}
        }
    }

    public func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry] {
        try await reader.read { database in try AccountRows.log(database, range) }
    }
}
