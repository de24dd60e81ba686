import OvationCore
import OvationRows
import OvationTesting
import Synchronization
import Testing

@Suite("Writes that wait for a commit")
struct QueuedWriteTests {
    private final class Receiver: AppendReceiver {
        private let name: String
        private let calls: Calls

        init(_ name: String, _ calls: Calls) {
            self.name = name
            self.calls = calls
        }

        func receive(_ result: Result<AppendOutcome, StoreFailure>) {
            let outcome = (try? result.get()).map { "\($0)" } ?? "failed"
            calls.names.withLock { $0.append("\(name) \(outcome)") }
        }

        func allHaveReceived() { calls.names.withLock { $0.append("\(name) last") } }
    }

    private final class Calls: Sendable {
        let names = Mutex<[String]>([])

        var taken: [String] {
            names.withLock { names in
                defer { names = [] }
                return names
            }
        }
    }

    @Test("receivers hear that all have received only after all have, whatever became of each")
    func order() throws {
        let calls = Calls()
        let batch = try Fixtures.batch("a@b.se", times: [1])
        let writes = ["a", "b", "c"].map { QueuedWrite.append(batch, Receiver($0, calls)) }
        writes.answer { index, _ in
            index == 1 ? .failure(StoreFailure(.busy, "full")) : .success(.appended(.stored))
        }
        #expect(calls.taken == ["a stored", "b failed", "c stored", "a last", "b last", "c last"])
        writes.fail(StoreFailure(.closed, "closed"))
        #expect(calls.taken == ["a failed", "b failed", "c failed", "a last", "b last", "c last"])
    }
}
