import Logging
import OvationCore
import OvationSQLite
import Synchronization

/// Appends to a real store in a folder of its own, each returning after its sync.
public final class Appends: Sendable {
    private let store: SQLiteStore
    private let addresses: [ProfileAddress]
    private let data = Array(Article.data.utf8)
    private let count = Atomic<Int>(0)

    /// - Parameters:
    ///   - path: where the store's file goes. The caller has to remove it.
    ///   - profiles: how many profiles the events are spread over.
    public init(path: String, profiles: Int) async throws {
        store = try SQLiteStore(
            path: path, limits: Limits(), logger: Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() },
            now: Article.now)
        try await store.commit(AccountChange(account: Article.account, entries: Article.catalogue().entries))
        addresses = try (0..<profiles).map { number in
            // Spread as hashes are, and the same on each run.
            let id = UInt64(number) &* 0x9E37_79B9_7F4A_7C15 ^ 0xBF58_476D_1CE4_E5B9
            return ProfileAddress(
                account: Article.account.number, keyspace: 1,
                key: try ProfileKey("p\(number)@example.com", format: .email),
                foundingID: ProfileID(Int64(bitPattern: id)))
        }
    }

    /// A post of one event, to the next profile in turn.
    public func append() async throws {
        let number = count.add(1, ordering: .relaxed).oldValue
        _ = try await store.append(
            EventBatch(
                profile: addresses[number % addresses.count], section: 2, receivedAt: Article.now,
                events: [
                    EventBatch.Row(
                        eventTime: Timestamp(milliseconds: 1_602_668_614_471 + Int64(number)),
                        version: Article.versionID, dataEnd: data.count)
                ],
                data: data, idempotency: nil))
    }

    /// Posts that come at once, and so share commits.
    public func append(atOnce posts: Int) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<posts { group.addTask { try await self.append() } }
            try await group.waitForAll()
        }
    }

    public func close() { store.close() }
}
