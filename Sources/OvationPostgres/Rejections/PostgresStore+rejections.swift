public import OvationCore
import OvationRows

extension PostgresStore: RejectionStore {
    public func keep(
        _ post: RefusedPost, versions: [EventVersion.ID: Int]
    ) async throws(StoreFailure) -> Rejection.ID {
        let rejection = try PackedRejection(post, versions: versions)
        return try await writer.write { .keep(rejection, $0) }.get()
    }

    public func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read(.coordinator) { connection in
            try RejectionRows.list(connection, filter, before: id, limit: limit, bodyBytesMax: bodyBytesMax)
        }
    }

    public func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection] {
        try await reader.read(.coordinator) {
            try RejectionRows.list($0, range, limit: limit, bodyBytesMax: bodyBytesMax)
        }
    }

    public func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int {
        try await reader.read(.coordinator) { try RejectionRows.count($0, range) }
    }

    public func rejectionCauses(
        _ filter: RejectionCauseFilter, limit: Int
    ) async throws(StoreFailure) -> RejectionCauses {
        try await reader.read(.coordinator) { try RejectionRows.causes($0, filter, limit: limit) }
    }

    public func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int {
        try await reader.read(.coordinator) { try RejectionRows.countOpen($0, account: account, from: from) }
    }

    public func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int {
        try await write(at: .account(account)) { connection, _, isRepeat in
            let gone = try connection.run([
                Command(.begin),
                Command(WriteSQL.dismissRejections) {
                    $0.add(account)
                    $0.add(ids)
                }, Command(.commit),
            ])[1]
            // Of what an earlier try may have removed, nothing is left to count.
            return isRepeat ? ids.count : gone.count
        }
    }

    public func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection? {
        try await reader.read(.coordinator) { try RejectionRows.find($0, id, account: account) }
    }

    public func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool {
        try await write(at: .account(account)) { connection, _, isRepeat in
            let gone = try connection.run([
                Command(.begin),
                Command(WriteSQL.dismissRejection) {
                    $0.add(account)
                    $0.add(id)
                }, Command(.commit),
            ])[1]
            // Of what an earlier try may have removed, nothing is left to find.
            return gone.count > 0 || isRepeat
        }
    }
}
