public import OvationCore
import OvationRows

extension PostgresStore: ActivityStore {
    public func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage] {
        try await reader.read(.nodes) { try ProfileRows.usage($0, account: account) }
    }

    public func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity {
        try await reader.read(.nodes) { try ActivityRows.read($0, account: account, in: minutes) }
    }

    public func count(_ events: CountedEvents) async throws(StoreFailure) {
        try await writer.write { .count(events, $0) }.get()
    }
}
