public import OvationCore

extension PostgresStore: JobStore {
    public func add(_ job: Job, openMax: Int) async throws(StoreFailure) -> Bool {
        try await write(at: .account(job.account)) { connection, _, isRepeat in
            try JobRows.add(connection, job, openMax: openMax, isRepeat: isRepeat)
        }
    }

    public func job(_ id: JobID, account: Int64) async throws(StoreFailure) -> Job? {
        try await reader.read(.coordinator) { try JobRows.find($0, id, account: account) }
    }

    public func jobs(
        account: Int64, before position: JobPosition?, limit: Int
    ) async throws(StoreFailure) -> [Job] {
        try await reader.read(.coordinator) { try JobRows.list($0, account: account, before: position, limit: limit) }
    }

    public func openJobs(limit: Int) async throws(StoreFailure) -> [Job] {
        try await reader.read(.coordinator) { try JobRows.open($0, limit: limit) }
    }

    public func save(_ job: Job) async throws(StoreFailure) -> Job? {
        try await write(at: .account(job.account)) { connection, _, isRepeat in
            try JobRows.save(connection, job, isRepeat: isRepeat)
        }
    }

    public func removeJobs(expiredAt time: Timestamp) async throws(StoreFailure) {
        try await write(at: .account(0)) { connection, _, _ in try JobRows.remove(connection, expiredAt: time) }
    }
}
