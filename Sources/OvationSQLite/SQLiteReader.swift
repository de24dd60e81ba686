import GRDB
import NIOPosix
import OvationCore
import Synchronization

/// Reads on threads of our own, so that a slow query never holds a thread that handles requests.
final class SQLiteReader: Sendable {
    static let threads = 4

    private let pool: DatabasePool
    private let threadPool = NIOThreadPool(numberOfThreads: SQLiteReader.threads)
    private let queueMax: Int
    private let waiting = Atomic<Int>(0)

    init(pool: DatabasePool, queueMax: Int) {
        self.pool = pool
        self.queueMax = queueMax
        threadPool.start()
    }

    /// Sees every commit that was acknowledged before the call.
    func read<Value: Sendable>(
        _ query: @escaping @Sendable (Database) throws -> Value
    ) async throws(StoreFailure) -> Value {
        try await read(after: {}) { database, _ in try query(database) }
    }

    /// - Parameter prepare: runs before the snapshot of the query begins.
    func read<Prepared, Value: Sendable>(
        after prepare: @escaping @Sendable () -> Prepared,
        _ query: @escaping @Sendable (Database, Prepared) throws -> Value
    ) async throws(StoreFailure) -> Value {
        guard waiting.add(1, ordering: .relaxed).newValue <= queueMax else {
            waiting.subtract(1, ordering: .relaxed)
            throw StoreFailure(.busy, "\(queueMax) reads are waiting")
        }
        defer { waiting.subtract(1, ordering: .relaxed) }
        do {
            return try await threadPool.runIfActive {
                let prepared = prepare()
                return try self.pool.read { try query($0, prepared) }
            }
        } catch is CancellationError {
            throw StoreFailure(.closed, "whoever asked has gone")
        } catch {
            throw StoreFailure(error)
        }
    }

    func close() {
        try? threadPool.syncShutdownGracefully()
    }
}
