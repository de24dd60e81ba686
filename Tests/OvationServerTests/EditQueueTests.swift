import OvationCore
import OvationTesting
import Synchronization
import Testing

@testable import OvationServer

@Suite("EditQueue")
struct EditQueueTests {
    @Test("one edit at a time, in the order they came, and a failing one passes its turn on")
    func takesTurns() async throws {
        let queue = EditQueue()
        let running = Running()
        let done = try await withThrowingTaskGroup(of: Bool.self) { group in
            for number in 0..<200 {
                group.addTask {
                    do {
                        try await queue.withTurn {
                            #expect(running.change(by: 1) == 1)
                            await Task.yield()
                            #expect(running.change(by: -1) == 0)
                            if number.isMultiple(of: 3) { throw Failure() }
                        }
                        return true
                    } catch is Failure {
                        return false
                    }
                }
            }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(done == 133)
    }

    @Test("as many wait as may; one more is refused at once, and the others get their turn")
    func isBounded() async throws {
        let queue = EditQueue()
        let holder = AsyncStream.makeStream(of: Void.self)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 0...Limits.editQueueMax {
                group.addTask {
                    try await queue.withTurn {
                        // The first holds its turn until it is told to end.
                        if number == 0 { for await _ in holder.stream { break } }
                    }
                }
                if number == 0 { try await waitUntil { queue.isBusy } }
            }
            try await waitUntil { queue.waitingCount >= Limits.editQueueMax }
            await #expect(throws: Problem(.busy, "")) { try await queue.withTurn {} }
            holder.continuation.yield()
            try await group.waitForAll()
        }
        #expect(queue.waitingCount == 0 && !queue.isBusy)
    }
}

private struct Failure: Error {}

/// How many edits are under way.
private final class Running: Sendable {
    private let count = Mutex(0)

    func change(by step: Int) -> Int {
        count.withLock { count in
            count += step
            return count
        }
    }
}
