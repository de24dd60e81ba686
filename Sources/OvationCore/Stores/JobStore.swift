/// Jobs: kept, found and changed. The rules are in ``Job``; a store keeps a job whole, unless somebody else was quicker.
public protocol JobStore: Sendable {
    /// - Parameter openMax: how many jobs of its kind the account may have that have not ended, with this one.
    /// - Returns: false: it would have more; nothing was done.
    func add(_ job: Job, openMax: Int) async throws(StoreFailure) -> Bool

    /// nil: there is none.
    func job(_ id: JobID, account: Int64) async throws(StoreFailure) -> Job?

    /// Newest first, without what was asked for.
    /// - Parameter position: only those before it; nil: from the newest on.
    func jobs(account: Int64, before position: JobPosition?, limit: Int) async throws(StoreFailure) -> [Job]

    /// Of all accounts, oldest first: those that have not ended, without what was asked for.
    func openJobs(limit: Int) async throws(StoreFailure) -> [Job]

    /// Keeps a job as it is now, with a revision that is one higher.
    /// - Returns: the job as it is kept; nil: it was changed or removed since it was read, and nothing was done.
    func save(_ job: Job) async throws(StoreFailure) -> Job?

    /// Removes jobs that have ended and have expired by this time.
    func removeJobs(expiredAt time: Timestamp) async throws(StoreFailure)
}

/// Where a job stands among those of its account, which are listed newest first.
public struct JobPosition: Sendable, Equatable {
    public let createdAt: Timestamp
    public let id: JobID

    public init(createdAt: Timestamp, id: JobID) {
        self.createdAt = createdAt
        self.id = id
    }
}

extension Job {
    public var position: JobPosition { JobPosition(createdAt: createdAt, id: id) }

    /// As lists have it.
    package var listed: Job { copy(request: [], revision: revision) }

    /// The same with the revision that a store has given it.
    package func saved() -> Job { copy(request: request, revision: revision + 1) }

    private func copy(request: [UInt8], revision: Int64) -> Job {
        Job(
            id: id, account: account, kind: kind, section: section, actor: actor, createdAt: createdAt,
            request: request,
            uploadHash: uploadHash, state: state, expiresAt: expiresAt, endedAt: endedAt, lease: lease,
            fileBytes: fileBytes, place: place, counts: counts, failure: failure, revision: revision)
    }
}
