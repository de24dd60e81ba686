import OvationCore
import Synchronization

/// One account's definitions at one moment, shared by reference.
final class AccountSnapshot: Sendable {
    let catalogue: Catalogue
    /// Changes with every change of a definition.
    let entityTag: String

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        entityTag = "\"\(catalogue.account.number).\(catalogue.definitionSequence)\""
    }
}

/// Accounts, their definitions and their API keys, in memory. Reading takes a lock for a moment and never waits for
/// the store; a change is written to the store first and then swapped in whole.
final class Directory: Sendable {
    private struct State {
        var accounts: [Int64: AccountSnapshot] = [:]
        var apiKeys: [String: APIKey] = [:]
    }

    private let state: Mutex<State>
    private let store: any Store
    private let turns = EditQueue()
    private static let attempts = 10

    init(store: any Store, contents: StoreContents) throws(Problem) {
        self.store = store
        state = Mutex(try Directory.state(of: contents))
    }

    /// nil when there is no such API key, or it was deleted.
    func identity(clientID: String) -> Identity? {
        state.withLock { state in
            guard let key = state.apiKeys[clientID], key.revokedAt == nil, let account = state.accounts[key.account]
            else { return nil }
            return Identity(key: key, account: account)
        }
    }

    func apiKeys(ofAccount account: Int64) -> [APIKey] {
        state.withLock { $0.apiKeys.values.filter { $0.account == account } }
            .sorted { ($0.createdAt, $0.clientID) < ($1.createdAt, $1.clientID) }
    }

    var accounts: [AccountSnapshot] {
        state.withLock { $0.accounts.values.sorted { $0.catalogue.account.number < $1.catalogue.account.number } }
    }

    func account(_ number: Int64) throws(Problem) -> AccountSnapshot {
        guard let account = state.withLock({ $0.accounts[number] }) else {
            throw Problem(.notFound, "There is no such account.")
        }
        return account
    }

    /// Checks changes against the newest catalogue, writes them to the log, and swaps the new catalogue in.
    ///
    /// Edits take turns in this process. When another process changed the account in between, the changes are made
    /// anew from what is there then.
    @discardableResult
    func edit(
        account number: Int64, by actor: String, at now: Timestamp, apiKeys: [APIKey] = [],
        signingKeys: [SigningKey] = [], expecting entityTag: String? = nil,
        _ changes: (Catalogue) throws(Problem) -> [CatalogueChange]
    ) async throws -> AccountSnapshot {
        try await turns.withTurn {
            for _ in 0..<Directory.attempts {
                let snapshot = try account(number)
                if let entityTag, entityTag != snapshot.entityTag {
                    throw Problem(
                        .preconditionFailed, "The definitions have changed since you read them; read them again.")
                }
                let made = try changes(snapshot.catalogue)
                guard !made.isEmpty else { return snapshot }
                let (catalogue, entries) = try snapshot.catalogue.applying(made, at: now, by: actor)
                do throws(StoreFailure) {
                    try await store.commit(
                        AccountChange(
                            account: catalogue.account, entries: entries, apiKeys: apiKeys, signingKeys: signingKeys))
                } catch {
                    guard error.code == .sequenceTaken else { throw error }
                    try await reload()
                    continue
                }
                let new = AccountSnapshot(catalogue)
                state.withLock { state in
                    state.accounts[number] = new
                    for key in apiKeys { state.apiKeys[key.clientID] = key }
                }
                return new
            }
            throw Problem(.conflict, "Too many changes at once; try again.", retryAfterSeconds: 1)
        }
    }

    /// Takes the entry of a deletion, which the store wrote by itself, into memory.
    func fold(_ entry: LogEntry, into number: Int64) async throws {
        try await turns.withTurn {
            var catalogue = try account(number).catalogue
            guard entry.sequence > catalogue.sequence else { return }
            guard entry.sequence == catalogue.sequence + 1 else { return try await reload() }
            try catalogue.apply(entry)
            let new = AccountSnapshot(catalogue)
            state.withLock { $0.accounts[number] = new }
        }
    }

    /// Everything anew from the store, which knows the order.
    private func reload() async throws {
        let fresh = try Directory.state(of: await store.load())
        state.withLock { $0 = fresh }
    }

    private static func state(of contents: StoreContents) throws(Problem) -> State {
        var state = State()
        for account in contents.accounts {
            let catalogue = try Catalogue(account: account, log: contents.log[account.number] ?? [])
            state.accounts[account.number] = AccountSnapshot(catalogue)
        }
        for key in contents.apiKeys { state.apiKeys[key.clientID] = key }
        return state
    }
}
