/// Whether a store can be used, and what it did.
public protocol StoreHealth: Sendable {
    /// Writes and reads back, to tell whether the store can be used.
    func check() async throws(StoreFailure)

    /// Figures for people and for monitoring.
    func statistics() -> StoreStatistics
}
