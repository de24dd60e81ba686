/// Accounts, their definitions, API keys and signing keys.
public protocol DefinitionStore: Sendable {
    /// Everything the server keeps in memory: read once at start.
    func load() async throws(StoreFailure) -> StoreContents

    /// Whether other processes may write to it at the same time.
    var isShared: Bool { get }

    /// Number of each account's newest log entry, notes included: whoever kept in memory what ``load()`` gave asks
    /// whether it is still so.
    func lastSequences() async throws(StoreFailure) -> [Int64: Int64]

    /// An element each time that another process may have changed definitions or keys, as soon as the store hears of it.
    /// It may hear late or never, so whoever must know asks for ``lastSequences()`` from time to time as well.
    var changes: AsyncStream<Void> { get }

    /// Writes definitions, API keys and signing keys, all or nothing.
    /// - Throws: `sequenceTaken` when somebody else wrote to the account's log since the caller read it.
    func commit(_ change: AccountChange) async throws(StoreFailure)

    /// A part of the account's log.
    func log(_ range: LogRange) async throws(StoreFailure) -> [LogEntry]
}

extension DefinitionStore {
    /// Nobody else changes anything.
    public var changes: AsyncStream<Void> { AsyncStream { $0.finish() } }
}
