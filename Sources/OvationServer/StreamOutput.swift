import AsyncAlgorithms
import Hummingbird
import NIOCore
import OvationCore
import Synchronization

/// The connection under an answer that takes its time. Only one task writes, one thing after the other; another one
/// may look at how it goes.
///
/// `@unchecked`, since the writer is touched by that one task alone, and what the other looks at is behind a lock.
final class StreamOutput: @unchecked Sendable {
    private var writer: any ResponseBodyWriter
    private let writingSince = Mutex<ContinuousClock.Instant?>(nil)

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    /// Waits until the reader has taken enough of what came before.
    /// - Throws: when there is no reader any more.
    func write(_ buffer: ByteBuffer) async throws {
        writingSince.withLock { $0 = .now }
        do {
            try await writer.write(buffer)
        } catch {
            throw StreamEnd.readerGone
        }
        writingSince.withLock { $0 = nil }
    }

    /// Ends the answer as it should end.
    func finish() async throws {
        do {
            try await writer.finish(nil)
        } catch {
            throw StreamEnd.readerGone
        }
    }

    var isWriting: Bool { writingSince.withLock { $0 != nil } }

    /// Whether a write has waited for the reader so long.
    func isStuck(for duration: Duration) -> Bool {
        writingSince.withLock { $0.map { ContinuousClock.now - $0 >= duration } ?? false }
    }
}

extension ResponseBody {
    /// An answer that is written bit by bit. It is cut off, so that the reader sees that it is not whole, when what
    /// writes it throws, and when the reader takes nothing any more.
    static func stream(_ write: @escaping @Sendable (StreamOutput) async throws -> Void) -> ResponseBody {
        ResponseBody { writer in
            let output = StreamOutput(writer)
            try await withThrowingTaskGroup(of: Bool.self) { group in
                group.addTask {
                    try await write(output)
                    return true
                }
                group.addTask {
                    let pulse = AsyncTimerSequence(interval: Limits.livePulse, clock: .continuous)
                    for await _ in pulse where output.isStuck(for: Limits.exportStallMax) { break }
                    return false
                }
                defer { group.cancelAll() }
                guard try await group.next() == true else { throw StreamEnd.readerStuck }
            }
            try await output.finish()
        }
    }
}

/// Work of a kind that only so much may go on of at a time.
final class WorkSlots: Sendable {
    private let slotsMax: Int
    private let subject: String
    private let taken = Atomic<Int>(0)

    /// - Parameter subject: in the plural, for whoever is refused.
    init(_ slotsMax: Int, of subject: String) {
        self.slotsMax = slotsMax
        self.subject = subject
    }

    /// A place that is free again when the value goes.
    final class Slot: Sendable {
        private let slots: WorkSlots

        fileprivate init(_ slots: WorkSlots) {
            self.slots = slots
        }

        deinit {
            slots.taken.subtract(1, ordering: .relaxed)
        }
    }

    /// - Throws: `busy` when all are taken.
    func take() throws(Problem) -> Slot {
        guard taken.add(1, ordering: .relaxed).newValue <= slotsMax else {
            taken.subtract(1, ordering: .relaxed)
            throw Problem(
                .busy, "There are \(slotsMax) \(subject) going on, and no more are taken; try again.",
                retryAfterSeconds: 30)
        }
        return Slot(self)
    }
}
