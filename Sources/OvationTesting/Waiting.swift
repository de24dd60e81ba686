/// Lets others run until something is so.
/// - Throws: after two minutes, or when the test is cancelled: a test that waits for ever says nothing.
nonisolated(nonsending) public func waitUntil(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now.advanced(by: .seconds(120))
    while try await !condition() {
        try Task.checkCancellation()
        guard ContinuousClock.now < end else { throw WaitedInVain() }
        await Task.yield()
    }
}

public struct WaitedInVain: Error {}
