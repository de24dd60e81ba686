import NIOCore
import OvationCore

/// Notices that the other end of a connection takes nothing, or almost nothing, of what is written to it.
///
/// It looks only while more data wait than the connection holds: then the server writes no further answer and reads no
/// further request, and nothing else would ever end it. Smaller amounts end with the idle connection.
struct SlowReader {
    private let limits: Limits
    private(set) var isStreaming = false
    /// Body bytes of a stream, written so far.
    private var written = 0
    /// How many times the reader took enough for more to be written.
    private var drained = 0

    /// One span of time within which enough has to be taken.
    private var since = NIODeadline.uptimeNanoseconds(0)
    private var takenBefore = 0
    private var drainedBefore = 0
    private var waitingBefore = 0

    init(limits: Limits) {
        self.limits = limits
    }

    private var patience: TimeAmount { TimeAmount(isStreaming ? Limits.exportStallMax : limits.answerTimeout) }

    mutating func stream(_ isStreaming: Bool) {
        self.isStreaming = isStreaming
        written = 0
        takenBefore = 0
    }

    mutating func write(_ bytes: Int) { written += bytes }

    mutating func noteDrained() { drained += 1 }

    /// - Returns: when to look again.
    mutating func begin(waiting: Int, at now: NIODeadline = .now()) -> TimeAmount {
        since = now
        takenBefore = written - waiting
        drainedBefore = drained
        waitingBefore = waiting
        return patience
    }

    /// - Parameter waiting: bytes that are written and not yet taken.
    /// - Returns: when to look again; nil: the reader has taken enough.
    mutating func look(waiting: Int, at now: NIODeadline = .now()) -> TimeAmount? {
        let left = since + patience - now
        guard left <= .nanoseconds(0) else { return left }
        let hasTakenEnough =
            isStreaming
            ? written - waiting - takenBefore >= Limits.exportBytesMin
            : drained != drainedBefore || waitingBefore - waiting >= Limits.answerBytesMin
        return hasTakenEnough ? begin(waiting: waiting, at: now) : nil
    }
}
