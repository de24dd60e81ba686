/// What was counted while events came.
public protocol ActivityStore: Sendable {
    /// How much is stored of each version that was ever posted to.
    func usage(account: Int64) async throws(StoreFailure) -> [VersionUsage]

    /// What became of events in some minutes, by their numbers since 1970. All that is acknowledged is in it: what is
    /// stored, kept or found repeated is counted in the same commit.
    func activity(account: Int64, in minutes: ClosedRange<Int64>) async throws(StoreFailure) -> Activity

    /// Counts events of which nothing else is written, in the group commit of the posts that wait.
    func count(_ events: CountedEvents) async throws(StoreFailure)
}
