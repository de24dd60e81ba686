/// Lets others run until something is so.
/// - Throws: after ten minutes, or when the test is cancelled: a test that waits for ever says nothing. Beside a thousand others, a
/// test can wait for minutes for its turn.
nonisolated(nonsending) public func waitUntil(_ condition: () async throws -> Bool) async throws {
    let end = ContinuousClock.now.advanced(by: .seconds(600))
    var turns = 0
    while try await !condition() {
        try Task.checkCancellation()
        guard ContinuousClock.now < end else { throw WaitedInVain() }
        // Mostly it is so within a few turns. What takes longer leaves the cores to others.
        turns += 1
        if turns < 200 { await Task.yield() } else { try await Task.sleep(for: .milliseconds(2)) }
    }
}

public struct WaitedInVain: Error {}
