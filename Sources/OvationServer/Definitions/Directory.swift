package import Logging
package import OvationCore
import Synchronization

/// One account's definitions at one moment, shared by reference.
final class AccountSnapshot: Sendable {
    let catalogue: Catalogue
    /// What integrations know of it.
    let published: Catalogue
    /// Changes with every change of a definition.
    private let number: String

    init(_ catalogue: Catalogue) {
        self.catalogue = catalogue
        published = catalogue.published
        number = "\(catalogue.account.number).\(catalogue.definitionSequence)"
    }

    /// The entity tag of what one API key sees: two keys need not see the same.
    func entityTag(for key: APIKey) -> String { "\"\(number).\(key.clientID)\"" }

    /// Whether one of a list of tags stands for this moment. Weakly compared (RFC 9110 §8.8.3.2), since proxies weaken
    /// tags.
    func matches(_ tags: String) -> Bool {
        tags.split(separator: ",").contains { tag in
            let text = tag.drop { $0.isWhitespace }
            return (text.hasPrefix("W/") ? text.dropFirst(2) : text).hasPrefix("\"\(number).")
        }
    }
}

/// Accounts, their definitions and their API keys, in memory. Reading takes a lock for a moment and never waits for
/// the store; a change is written to the store first and then swapped in whole.
package final class Directory: Sendable {
    private struct State {
        var accounts: [Int64: AccountSnapshot] = [:] {
            didSet { generation += 1 }
        }
        var apiKeys: [String: APIKey] = [:]
        /// How often the keys of each account had changed when they were read.
        var keyChanges: [Int64: Int64] = [:]
        /// Whether definitions and API keys were read anew, and signing keys were not.
        var isSignerBehind = false
        /// Changes with whatever an ``Identity`` is made of, but for the time of a key's last use.
        var generation = 0
        /// Client ids of keys whose last use is not written down.
        var unsavedUses: Set<String> = []
    }

    private let state: Mutex<State>
    private let store: any Store
    private let logger: Logger
    private let turns = EditQueue()
    private let lateRefresh = CoalescedRefresh(interval: Limits.catchUpInterval)
    private static let attempts = 10

    package init(store: any Store, contents: StoreContents, logger: Logger) throws(Problem) {
        self.store = store
        self.logger = logger
        state = Mutex(try Directory.state(of: contents))
    }

    /// nil when there is no such API key, or it was deleted.
    func identity(clientID: String) -> Identity? {
        state.withLock { state in
            guard let key = state.apiKeys[clientID], key.revokedAt == nil, let account = state.accounts[key.account]
            else { return nil }
            return Identity(key: key, account: account, generation: state.generation)
        }
    }

    /// Whether there is such an API key, deleted or not.
    func has(apiKey clientID: String) -> Bool {
        state.withLock { $0.apiKeys[clientID] != nil }
    }

    /// Whether nothing has changed since this caller was looked up.
    func isCurrent(_ identity: Identity) -> Bool {
        state.withLock { $0.generation == identity.generation }
    }

    /// The same caller as things stand now.
    func current(_ identity: Identity) throws(Problem) -> Identity {
        guard let current = self.identity(clientID: identity.key.clientID) else {
            throw Problem(.keyRevoked, "The API key of this token has been deleted.")
        }
        return current
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
    /// - Returns: the definitions after the change; of a context that only checks, as they would be.
    @discardableResult
    func edit(
        _ context: EditContext, _ changes: (Catalogue) throws(Problem) -> [CatalogueChange]
    ) async throws -> AccountSnapshot {
        guard !context.isCheckOnly else {
            let (snapshot, made) = try made(context, changes)
            return AccountSnapshot(
                try snapshot.catalogue.applying(made, at: context.now, by: context.actor).catalogue)
        }
        return try await turns.withTurn {
            try await repeatingWhileTaken {
                let (snapshot, made) = try made(context, changes)
                guard !made.isEmpty else { return snapshot }
                let (catalogue, entries) = try snapshot.catalogue.applying(made, at: context.now, by: context.actor)
                try await store.commit(
                    AccountChange(
                        account: catalogue.account, entries: entries, mapped: catalogue.mappedAttributes))
                logger.info(of: entries)
                let new = AccountSnapshot(catalogue)
                state.withLock { $0.accounts[context.account] = new }
                return new
            }
        }
    }

    /// Rotates the signing key, in the store and in the signer, before the next edit begins.
    func rotate(_ signer: TokenSigner, to new: SigningKey, _ context: EditContext) async throws {
        try await turns.withTurn {
            let written = try await changeKeys(context, from: signer) { () throws(Problem) in
                let retired = signer.keys.map { key in
                    var key = key
                    if key.retiredAt == nil { key.retiredAt = context.now }
                    return key
                }
                let act = Act(.signingKeyRotated, subject: new.id, detail: "The new key signs from now on.")
                return KeyChange(act: act, signingKeys: retired + [new])
            }
            try await signer.replace(keys: written.signingKeys)
        }
    }

    /// Adds an API key.
    /// - Parameter check: whether that may be, as things stand when its turn comes.
    func add(
        _ key: APIKey, _ context: EditContext, recordedAs act: Act, if check: () throws(Problem) -> Void
    ) async throws {
        _ = try await turns.withTurn {
            try await changeKeys(context) { () throws(Problem) in
                try check()
                return KeyChange(act: act, apiKeys: [key])
            }
        }
    }

    /// Changes an API key as it stands when its turn comes, so that of two changes at once neither is lost.
    @discardableResult
    func change(
        apiKey clientID: String, _ context: EditContext, recordedAs act: (APIKey) -> Act,
        _ change: (inout APIKey) throws(Problem) -> Void
    ) async throws -> APIKey {
        try await turns.withTurn {
            // Made anew when another process was first: it may have changed this very key.
            try await changeKeys(context) { () throws(Problem) in
                guard var key = identity(clientID: clientID)?.key, key.account == context.account else {
                    throw Problem(.apiKeyNotFound, "There is no such API key, or it is revoked already.")
                }
                try change(&key)
                return KeyChange(act: act(key), apiKeys: [key])
            }.apiKeys[0]
        }
    }

    /// Remembers that an API key was used, to the minute. Written down now and then: see ``saveUses()``.
    func noteUse(of key: APIKey, at now: Timestamp) {
        if let last = key.lastUsedAt, now < last.advanced(by: .seconds(60)) { return }
        state.withLock { state in
            guard state.apiKeys[key.clientID] != nil else { return }
            state.apiKeys[key.clientID]?.lastUsedAt = now
            state.unsavedUses.insert(key.clientID)
        }
    }

    /// Writes down when keys were last used. What cannot be written is tried again the next time.
    func saveUses() async {
        let used = state.withLock { state in
            defer { state.unsavedUses = [] }
            return state.unsavedUses
        }
        guard !used.isEmpty else { return }
        do {
            try await turns.withTurn {
                for account in accounts.map(\.catalogue.account) {
                    let keys = apiKeys(ofAccount: account.number).filter { used.contains($0.clientID) }
                    let uses = keys.compactMap { key in key.lastUsedAt.map { (key.clientID, $0) } }
                    guard !uses.isEmpty else { continue }
                    // Their times alone: what else this process knows of a key may be out of date.
                    try await store.commit(
                        AccountChange(
                            account: account, entries: [], keyUses: Dictionary(uses, uniquingKeysWith: { $1 })))
                }
            }
        } catch {
            state.withLock { $0.unsavedUses.formUnion(used) }
        }
    }

    private struct KeyChange {
        var act: Act
        var apiKeys: [APIKey] = []
        var signingKeys: [SigningKey] = []
    }

    /// Writes keys with the act that says so, and takes the API keys into memory.
    /// - Parameter signer: has the signing keys that the change is made from. It knows all of them by then.
    @discardableResult
    private func changeKeys(
        _ context: EditContext, from signer: TokenSigner? = nil, _ make: () throws(Problem) -> KeyChange
    ) async throws -> KeyChange {
        try await repeatingWhileTaken {
            if let signer, state.withLock(\.isSignerBehind) {
                let contents = try await store.load()
                try reload(from: contents)
                try await signer.replace(keys: contents.signingKeys)
            }
            let account = try account(context.account).catalogue.account
            let before = state.withLock { $0.keyChanges[context.account] ?? 0 }
            let change = try make()
            let acts = [context.entry(of: change.act)]
            try await store.commit(
                AccountChange(
                    account: account, entries: [], acts: acts, apiKeys: change.apiKeys,
                    signingKeys: change.signingKeys, keysBefore: before))
            logger.info(of: acts)
            state.withLock { state in
                state.keyChanges[context.account] = before + 1
                for key in change.apiKeys { state.apiKeys[key.clientID] = key }
                // A request that holds an identity looks it up again.
                state.generation += 1
            }
            return change
        }
    }

    /// Tries again, from what is there then, when another process was first.
    private func repeatingWhileTaken<Value>(_ attempt: () async throws -> Value) async throws -> Value {
        for _ in 0..<Directory.attempts {
            do {
                return try await attempt()
            } catch let failure as StoreFailure where failure.code == .sequenceTaken {
                try await reload()
                state.withLock { $0.isSignerBehind = true }
            }
        }
        throw Problem(.conflict, "Too many changes at once; try again.", retryAfterSeconds: 1)
    }

    /// The changes that an edit makes to the definitions as they are.
    private func made(
        _ context: EditContext, _ changes: (Catalogue) throws(Problem) -> [CatalogueChange]
    ) throws(Problem) -> (AccountSnapshot, [CatalogueChange]) {
        let snapshot = try account(context.account)
        if let entityTag = context.entityTag, !snapshot.matches(entityTag) {
            throw Problem(.preconditionFailed, "The definitions have changed since you read them; read them again.")
        }
        return (snapshot, try changes(snapshot.catalogue))
    }

    /// Takes in what other processes have changed. Costs one small question where they have not.
    /// - Returns: whether they had.
    func follow(_ signer: TokenSigner) async throws -> Bool {
        guard isOutOfDate(try await store.lastSequences()) else { return false }
        return try await turns.withTurn {
            // An edit of this process is in memory now, and may have been all.
            guard isOutOfDate(try await store.lastSequences()) else { return false }
            let contents = try await store.load()
            try reload(from: contents)
            try await signer.replace(keys: contents.signingKeys)
            return true
        }
    }

    /// Says when other processes may have changed something; never, where there is none.
    var changes: AsyncStream<Void> { store.changes }

    /// For a request that would be refused as things stand here: takes in what other processes had changed when it came.
    /// While the store cannot be asked, things stay as they are. Costs nothing where the store is this process's alone.
    func catchUp(_ signer: TokenSigner) async {
        guard store.isShared else { return }
        await lateRefresh.ask { _ = try? await follow(signer) }
    }

    /// Ahead of the store is out of date as well: somebody has put back a backup of it.
    private func isOutOfDate(_ sequences: [Int64: AccountSequences]) -> Bool {
        let (known, isSignerBehind) = state.withLock { state in
            let known = state.accounts.mapValues { account in
                AccountSequences(
                    definitions: account.catalogue.sequence,
                    keys: state.keyChanges[account.catalogue.account.number] ?? 0)
            }
            return (known, state.isSignerBehind)
        }
        return isSignerBehind || sequences.contains { account, sequences in sequences != known[account] }
    }

    /// Everything anew from the store, which knows the order.
    private func reload() async throws {
        try reload(from: await store.load())
    }

    private func reload(from contents: StoreContents) throws {
        let fresh = try Directory.state(of: contents)
        state.withLock { state in
            let uses = state.unsavedUses.compactMap { state.apiKeys[$0] }
            let unsaved = state.unsavedUses
            let generation = state.generation
            state = fresh
            // Never one that somebody holds.
            state.generation = generation + 1
            state.unsavedUses = unsaved
            for key in uses { state.apiKeys[key.clientID]?.lastUsedAt = key.lastUsedAt }
        }
    }

    private static func state(of contents: StoreContents) throws(Problem) -> State {
        var state = State()
        for account in contents.accounts {
            state.accounts[account.number] = AccountSnapshot(try contents.catalogue(of: account))
        }
        for key in contents.apiKeys { state.apiKeys[key.clientID] = key }
        state.keyChanges = contents.lastSequences.mapValues(\.keys)
        return state
    }
}

extension StoreContents {
    func catalogue(of account: Account) throws(Problem) -> Catalogue {
        try Catalogue(
            account: account, definitions: definitions[account.number] ?? [],
            lastSequence: lastSequences[account.number]?.definitions ?? 0)
    }
}
