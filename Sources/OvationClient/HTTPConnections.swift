/// The connections of a process. One is enough for any number of servers; calls to the same server share its connections.
public final class HTTPConnections: Sendable {
    private let thread: TransferThread

    /// - Parameter file: the certificates to trust, in PEM, instead of those of the system; nil: those of the system.
    public convenience init(trusting file: String? = nil) {
        // An upload on a slow line has a long way from one word of the server to the next.
        self.init(trusting: file, connectTimeout: .seconds(10), idleTimeout: .seconds(600))
    }

    init(trusting file: String?, connectTimeout: Duration, idleTimeout: Duration) {
        thread = TransferThread(trusting: file, connectTimeout: connectTimeout, idleTimeout: idleTimeout)
    }

    deinit { thread.give(.end) }

    /// Ends all calls that are under way, and returns when they have ended. To be called before the process ends.
    public func shutdown() async { await thread.end() }

    /// Makes a call.
    /// - Parameter read: takes the answer, or a part of it. Afterwards nothing more is sent or read.
    /// - Throws: ``ConnectionFailure``, or what `read` or the source of the body throws.
    func exchange<Value>(
        _ call: HTTPCall, _ read: (HTTPHead, inout AnswerBody) async throws -> Value
    ) async throws -> Value {
        let transfer = Transfer(call)
        thread.give(.start(transfer))
        return try await withTaskCancellationHandler {
            do {
                let head = try await transfer.head()
                var body = AnswerBody(transfer, thread)
                let value = try await read(head, &body)
                await stop(transfer)
                return value
            } catch {
                await stop(transfer)
                throw error
            }
        } onCancel: {
            thread.give(.stop(transfer))
        }
    }

    private func stop(_ transfer: Transfer) async {
        guard !transfer.isEnded else { return }
        thread.give(.stop(transfer))
        await transfer.end()
    }
}

/// The body of an answer as it comes, part by part.
struct AnswerBody {
    private let transfer: Transfer
    private let thread: TransferThread

    init(_ transfer: Transfer, _ thread: TransferThread) {
        self.transfer = transfer
        self.thread = thread
    }

    /// nil at the end.
    mutating func next() async throws -> [UInt8]? {
        try await transfer.next { thread.give(.goOn(transfer)) }
    }

    /// All of it.
    mutating func all(upTo bytesMax: Int) async throws -> [UInt8] {
        var all: [UInt8] = []
        while let part = try await next() {
            all += part
            guard all.count <= bytesMax else { throw ConnectionFailure.broken(why: "its answer is too long") }
        }
        return all
    }
}
