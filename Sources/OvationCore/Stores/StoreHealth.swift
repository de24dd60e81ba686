/// Whether a store can be used, and what it did.
public protocol StoreHealth: Sendable {
    /// Writes and reads back, to tell whether the store can be used.
    /// - Returns: machines of the store that do not answer, by host and port; what they have is missing. Mostly empty.
    @discardableResult
    func check() async throws(StoreFailure) -> [String]

    /// Figures for people and for monitoring.
    func statistics() -> StoreStatistics
}
