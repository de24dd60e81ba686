import Logging
public import OvationCore
public import OvationSQLite

extension SQLiteStore {
    /// As tests open it: at the fixtures' time, without a log.
    public convenience init(
        testing path: String, limits: Limits = Limits(), now: Timestamp = Fixtures.now
    ) throws(StoreFailure) {
        try self.init(
            path: path, limits: limits.forTests, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            now: now)
    }
}

extension Limits {
    /// Tests set the time as they like, and it is believed, but for those that say otherwise.
    public var forTests: Limits {
        var limits = self
        if limits.clockJumpMax == Limits().clockJumpMax { limits.clockJumpMax = .seconds(100 * 366 * 86_400) }
        return limits
    }
}

extension Store {
    /// Makes accounts, with nothing in them.
    public func found(accounts: [Int64] = [1]) async throws {
        for number in accounts {
            let account = Account(number: number, name: "\(number)", createdAt: Fixtures.now)
            try await commit(AccountChange(account: account, entries: []))
        }
    }

    /// Makes the account of the fixtures as a server does, with the built-in definitions.
    public func foundWithDefinitions() async throws {
        let (_, entries) = try Catalogue(account: Fixtures.account).applying(
            Catalogue.founding, at: Fixtures.now, by: "server")
        try await commit(AccountChange(account: Fixtures.account, entries: entries))
    }
}
