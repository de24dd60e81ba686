import OvationCore
import Synchronization

/// One account's definitions at one moment, shared by reference.
final class AccountSnapshot: Sendable {
    let catalogue: Catalogue
    /// Changes with every change of a definition.
    let entityTag: String

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        entityTag = "\"\(catalogue.account.number).\(catalogue.sequence)\""
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

    init(store: any Store, contents: StoreContents) throws(Problem) {
        self.store = store
        var state = State()
        for account in contents.accounts {
            let catalogue = try Catalogue(account: account, log: contents.log[account.number] ?? [])
            state.accounts[account.number] = AccountSnapshot(catalogue)
        }
        for key in contents.apiKeys { state.apiKeys[key.clientID] = key }
        self.state = Mutex(state)
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
    /// When somebody else changed the account in between, the changes are made anew from what is there then.
    @discardableResult
    func edit(
        account number: Int64, by actor: String, at now: Timestamp, apiKeys: [APIKey] = [],
        signingKeys: [SigningKey] = [], expecting entityTag: String? = nil,
        _ changes: (Catalogue) throws(Problem) -> [CatalogueChange]
    ) async throws -> AccountSnapshot {
        for _ in 0..<10 {
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
                try await refresh(number)
                continue
            }
            try await fold(entries, into: number)
            state.withLock { state in
                for key in apiKeys { state.apiKeys[key.clientID] = key }
            }
            return try account(number)
        }
        throw Problem(.conflict, "Too many changes at once; try again.", retryAfterSeconds: 1)
    }

    /// Takes entries that are in the store into memory.
    func fold(_ entries: [LogEntry], into number: Int64) async throws {
        let isNext = try state.withLock { state throws(Problem) in
            guard let snapshot = state.accounts[number], let first = entries.first,
                first.sequence == snapshot.catalogue.sequence + 1
            else { return false }
            var catalogue = snapshot.catalogue
            for entry in entries { try catalogue.apply(entry) }
            state.accounts[number] = AccountSnapshot(catalogue)
            return true
        }
        // Another change came between the commit and here: the store knows the order.
        if !isNext { try await refresh(number) }
    }

    private func refresh(_ number: Int64) async throws {
        while true {
            let sequence = try account(number).catalogue.sequence
            let entries = try await store.log(account: number, after: sequence, limit: Limits.logPageMax)
            guard !entries.isEmpty else { return }
            try state.withLock { state throws(Problem) in
                guard let snapshot = state.accounts[number] else { return }
                var catalogue = snapshot.catalogue
                for entry in entries where entry.sequence == catalogue.sequence + 1 { try catalogue.apply(entry) }
                state.accounts[number] = AccountSnapshot(catalogue)
            }
        }
    }
}
