/// Posts that were refused, kept for a while.
public protocol RejectionStore: Sendable {
    /// Keeps a refused post and counts it, in the group commit of the posts that wait, and forgets what is past its time
    /// or number.
    /// - Parameter versions: how many of its events are of which version of the section, as far as that can be told.
    func keep(_ post: RefusedPost, versions: [EventVersion.ID: Int]) async throws(StoreFailure) -> Rejection.ID

    /// Newest first.
    /// - Parameters:
    ///   - id: only those that came before this one.
    ///   - bodyBytesMax: bodies are cut after so many bytes.
    func rejections(
        _ filter: RejectionFilter, before id: Rejection.ID?, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection]

    /// Those of a range, oldest first.
    func rejections(
        _ range: RejectionRange, limit: Int, bodyBytesMax: Int
    ) async throws(StoreFailure) -> [Rejection]

    /// How many a range has.
    func countRejections(_ range: RejectionRange) async throws(StoreFailure) -> Int

    /// Open rejections by their cause.
    func rejectionCauses(_ filter: RejectionCauseFilter, limit: Int) async throws(StoreFailure) -> RejectionCauses

    /// How many are open and were received since a moment.
    func countOpenRejections(account: Int64, from: Timestamp) async throws(StoreFailure) -> Int

    /// With its whole body. nil: there is none, or it was forgotten.
    func rejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Rejection?

    /// false: there is none.
    func dismissRejection(_ id: Rejection.ID, account: Int64) async throws(StoreFailure) -> Bool

    /// Those of them that are open, in one transaction.
    /// - Returns: how many that were.
    func dismissRejections(_ ids: [Rejection.ID], account: Int64) async throws(StoreFailure) -> Int
}

extension RejectionStore {
    /// Keeps a refused post of whose events no version is known.
    public func keep(_ post: RefusedPost) async throws(StoreFailure) -> Rejection.ID {
        try await keep(post, versions: [:])
    }
}
