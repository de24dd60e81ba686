/// Accounts, their definitions, API keys and signing keys.
public protocol DefinitionStore: Sendable {
    /// Everything the server keeps in memory: read once at start.
    func load() async throws(StoreFailure) -> StoreContents

    /// Whether other processes may write to it at the same time.
    var isShared: Bool { get }

    /// How far each account's definitions and keys have come: a server that keeps in memory what ``load()`` gave asks
    /// whether it is still so.
    func lastSequences() async throws(StoreFailure) -> [Int64: AccountSequences]

    /// An element each time that another process may have changed definitions or keys, as soon as the store hears of it.
    /// The notice may come late or never, so a server that must know asks for ``lastSequences()`` from time to time too.
    var changes: AsyncStream<Void> { get }

    /// Writes definitions, acts, API keys and signing keys, all or nothing.
    /// - Throws: `sequenceTaken` when another process changed the account's definitions or keys since the caller read them.
    func commit(_ change: AccountChange) async throws(StoreFailure)

    /// A part of the account's audit trail: changes of definitions and acts in one order.
    func log(_ range: LogRange) async throws(StoreFailure) -> [AuditEntry]
}

extension DefinitionStore {
    /// Nobody else changes anything.
    public var changes: AsyncStream<Void> { AsyncStream { $0.finish() } }
}
