import Hummingbird
import NIOCore
import OvationCore
import Synchronization

/// The connection under an answer that takes its time. Only one task writes, one part after the other; another one may
/// look at its progress.
///
/// `@unchecked`, since only that one task uses the writer, and a lock protects what the other looks at.
final class StreamOutput: @unchecked Sendable {
    private var writer: any ResponseBodyWriter
    private let writingSince = Mutex<ContinuousClock.Instant?>(nil)

    init(_ writer: any ResponseBodyWriter) {
        self.writer = writer
    }

    /// Waits until the reader has taken enough of the data before.
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

    /// Ends the answer properly.
    func finish() async throws {
        do {
            try await writer.finish(nil)
        } catch {
            throw StreamEnd.readerGone
        }
    }

    var isWriting: Bool { writingSince.withLock { $0 != nil } }

    /// Whether a write has waited this long for the reader.
    func isStuck(for duration: Duration) -> Bool {
        writingSince.withLock { $0.map { ContinuousClock.now - $0 >= duration } ?? false }
    }
}

extension ResponseBody {
    /// An answer that is written bit by bit. If its writer throws, or if the reader takes too little, it is cut off, so
    /// that the reader sees that it is not complete.
    static func stream(
        on connection: Connection?, _ write: @escaping @Sendable (StreamOutput) async throws -> Void
    ) -> ResponseBody {
        ResponseBody { writer in
            connection?.tell(.streamBegan)
            defer { connection?.tell(.streamEnded) }
            let output = StreamOutput(writer)
            try await write(output)
            try await output.finish()
        }
    }
}

/// A limit for the number of tasks of one kind that run at a time, in all and for each API key.
final class WorkSlots: Sendable {
    private let slotsMax: Int
    private let share: Int
    private let subject: String
    /// Places taken, by client id; only for keys that have some.
    private let taken = Mutex<[String: Int]>([:])

    /// - Parameters:
    ///  - share: the places that one API key may have.
    ///  - subject: in the plural, for the message of a refusal.
    init(_ slotsMax: Int, share: Int, of subject: String) {
        self.slotsMax = slotsMax
        self.share = share
        self.subject = subject
    }

    /// A place that is free again when the value goes out of scope.
    final class Slot: Sendable {
        private let slots: WorkSlots
        private let clientID: String

        fileprivate init(_ slots: WorkSlots, _ clientID: String) {
            self.slots = slots
            self.clientID = clientID
        }

        deinit {
            slots.taken.withLock { taken in
                let left = (taken[clientID] ?? 1) - 1
                taken[clientID] = left > 0 ? left : nil
            }
        }
    }

    /// - Throws: `busy` when all are taken, or the key's share of them.
    func take(for key: APIKey) throws(Problem) -> Slot {
        let refusal: String? = taken.withLock { taken in
            let own = taken[key.clientID] ?? 0
            guard own < share else { return "This API key has \(own) \(subject) going on, and may have no more" }
            guard taken.values.reduce(0, +) < slotsMax else {
                return "There are \(slotsMax) \(subject) going on, and no more are taken"
            }
            taken[key.clientID] = own + 1
            return nil
        }
        guard refusal == nil else {
            throw Problem(.busy, "\(refusal ?? ""); try again.", retryAfterSeconds: 30)
        }
        return Slot(self, key.clientID)
    }
}
