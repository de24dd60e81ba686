public import OvationCore
import OvationRows

extension SQLiteStore: RejectionStore {
    public func keep(
        _ post: RefusedPost, versions: [EventVersion.ID: Int]
    ) async throws(StoreFailure) -> Rejection.ID {
        let rejection = try PackedRejection(post, versions: versions)
        return try await writer.write { .keep(rejection, $0) }.get()
    }

    public func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { database in
            try RejectionRows.list(database, filter, before: id, limit: limit, bodyBytesMax: bodyBytesMax)
        }
    }

    public func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read { try RejectionRows.list($0, range, limit: limit, bodyBytesMax: bodyBytesMax) }
    }

    public func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int {
        try await reader.read { try RejectionRows.count($0, range) }
    }

    public func rejectionCauses(
        _ filter: RejectionCauseFilter, limit: Int
    ) async throws(StoreFailure) -> RejectionCauses {
        try await reader.read { try RejectionRows.causes($0, filter, limit: limit) }
    }

    public func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int {
        try await reader.read { try RejectionRows.countOpen($0, account: account, from: from) }
    }

    public func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int {
        try await write { database, _ in try RejectionRows.dismiss(database, ids, account: account) }
    }

    public func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? {
        try await reader.read { database in try RejectionRows.find(database, id, account: account) }
    }

    public func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool {
        try await write { database, _ in try RejectionRows.dismiss(database, id, account: account) }
    }
}
