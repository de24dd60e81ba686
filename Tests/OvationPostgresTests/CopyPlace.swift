import Foundation
import Logging
import OvationCore
import OvationRows
import OvationSQLite
import OvationTesting
import Synchronization

@testable import OvationPostgres

/// Where a store is, to be served or to be copied.
enum CopyPlace: Sendable {
    case sqlite(TemporaryFolder)
    case postgres(Database)

    enum Engine: String, CaseIterable, Sendable { case sqlite, postgres }

    init(_ engine: Engine) throws {
        self = engine == .sqlite ? .sqlite(try TemporaryFolder()) : .postgres(try Database())
    }

    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    /// When the last thing in a history happens.
    static let end = Fixtures.now.advanced(by: .seconds(86_000))

    /// Serves it for as long as some work takes.
    func serve<Value>(_ limits: Limits = Database.few, _ work: (any Store) async throws -> Value) async throws -> Value
    {
        switch self {
        case .sqlite(let folder):
            let store = try SQLiteStore(testing: folder.path + "/o.sqlite", limits: limits, now: Self.end)
            defer { store.close() }
            return try await work(store)
        case .postgres(let database):
            let store = try database.open(limits, now: Self.end)
            defer { store.close() }
            return try await work(store)
        }
    }

    /// - Parameter rowsMax: so few that every kind has several pages.
    func withRows<Value>(
        as purpose: Purpose, rowsMax: Int = 3, bytesMax: Int = Limits.copyBytesMax,
        _ work: (any RowTarget) async throws -> Value
    ) async throws -> Value {
        switch self {
        case .sqlite(let folder):
            let rows = try SQLiteRows(
                path: folder.path + "/o.sqlite", as: purpose == .source ? .source : .target, rowsMax: rowsMax,
                bytesMax: bytesMax)
            defer { rows.close() }
            return try await work(rows)
        case .postgres(let database):
            let rows = try PostgresRows(
                connection: database.target, as: purpose == .source ? .source : .target, rowsMax: rowsMax,
                bytesMax: bytesMax, logger: Self.logger)
            defer { rows.close() }
            return try await work(rows)
        }
    }

    enum Purpose { case source, target }

    func copy(to target: CopyPlace, rowsMax: Int = 3, bytesMax: Int = Limits.copyBytesMax) async throws
        -> StoreCopy.Outcome
    {
        try await withRows(as: .source, rowsMax: rowsMax, bytesMax: bytesMax) { source in
            try await target.withRows(as: .target, rowsMax: rowsMax, bytesMax: bytesMax) { target in
                try await StoreCopy(from: source, to: target, now: { Self.end }).run()
            }
        }
    }
}

/// A target that breaks off after some writes, as when its process is killed.
struct BreakingTarget: RowTarget {
    let target: any RowTarget
    private let writes: WriteCount

    private final class WriteCount: Sendable {
        private let left: Atomic<Int>

        init(_ count: Int) { left = Atomic(count) }

        func take() throws(StoreFailure) {
            guard left.subtract(1, ordering: .relaxed).oldValue > 0 else {
                throw StoreFailure(.unavailable, "broken off")
            }
        }
    }

    init(_ target: any RowTarget, after writes: Int) {
        self.target = target
        self.writes = WriteCount(writes)
    }

    func origin() async throws(StoreFailure) -> RowOrigin { try await target.origin() }

    func rows(of kind: RowKind, after position: RowPosition?) async throws(StoreFailure) -> RowPage {
        try await target.rows(of: kind, after: position)
    }

    func note() async throws(StoreFailure) -> CopyNote? { try await target.note() }

    func write(_ rows: RowBatch?, _ note: CopyNote) async throws(StoreFailure) {
        try writes.take()
        try await target.write(rows, note)
    }

    func makeReady(after origin: RowOrigin) async throws(StoreFailure) {
        try writes.take()
        try await target.makeReady(after: origin)
    }
}
