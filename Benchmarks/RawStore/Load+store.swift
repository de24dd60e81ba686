import Foundation
import Logging
import OvationCore
import OvationSQLite

extension Load {
    /// Posters that each send their next post when the last one is on disk, as connections under wrk do.
    @concurrent
    func runStore() async throws -> Figures {
        let store = try SQLiteStore(path: file, limits: Limits(), logger: Logger(label: "raw-store"))
        defer { store.close() }
        let account = Account(number: 1, name: "Main account", createdAt: Load.now)
        try await store.commit(AccountChange(account: account, entries: []))

        let start = ContinuousClock.now
        let end = start + duration
        let milliseconds = try await withThrowingTaskGroup(of: [Float].self) { group in
            for poster in 1...posters {
                group.addTask { try await post(to: store, as: poster, until: end) }
            }
            var all: [Float] = []
            while let some = try await group.next() { all += some }
            return all
        }
        return Figures(milliseconds: milliseconds, elapsed: ContinuousClock.now - start)
    }

    private func post(
        to store: SQLiteStore, as poster: Int, until end: ContinuousClock.Instant
    ) async throws -> [Float] {
        var dice = Dice(seed: poster)
        var milliseconds: [Float] = []
        var before = ContinuousClock.now
        while before < end {
            let batch = try batch(&dice)
            // Caught to be thrown again: without this the optimiser of Swift 6.3 crashes on a typed error becoming an
            // untyped one in a loop.
            do throws(StoreFailure) {
                _ = try await store.append(batch)
            } catch {
                throw error
            }
            let after = ContinuousClock.now
            milliseconds.append(Float((after - before) / .milliseconds(1)))
            before = after
        }
        return milliseconds
    }

    private func batch(_ dice: inout Dice) throws -> EventBatch {
        let number = dice.next() % profiles
        let address = ProfileAddress(
            account: 1, keyspace: 1, key: try ProfileKey("p\(number)@example.com", format: .email),
            // The server's id is a SHA-256 of the key; any even spread asks the same of the store.
            foundingID: ProfileID(Int64(bitPattern: Dice.mixed(number &+ 1))))
        let first = Load.firstTime + Int64(dice.next() % Load.year)
        var data: [UInt8] = []
        data.reserveCapacity(items * Load.data.count)
        let events = (0..<items).map { item in
            data += Load.data
            return EventBatch.Row(
                eventTime: Timestamp(milliseconds: first + Int64(item) * 1000), version: Load.version,
                dataEnd: data.count)
        }
        return EventBatch(
            profile: address, section: 1, receivedAt: Load.now, events: events, data: data, idempotency: nil)
    }

    private static var now: Timestamp {
        Timestamp(milliseconds: Int64(Date().timeIntervalSince1970 * 1000))
    }
}
