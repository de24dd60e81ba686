import Synchronization

/// One call on its way: the thread of the connections moves its bytes, and a task waits for its answer.
final class Transfer: Sendable {
    /// So much of an answer is held for a reader that is slow. Then the connection is not read, and the server waits.
    static let unreadMax = 1 << 20

    private struct State {
        var head = HTTPHead()
        var isHeadWhole = false
        var unread: [UInt8] = []
        var ended: Result<Void, any Error>?
        /// The task that waits for the next change.
        var waiter: CheckedContinuation<Void, Never>?
        var isChanged = false
        /// Nothing is read of the connection until the task has taken what is there.
        var isReadingPaused = false
        /// The body goes on when this descriptor is readable.
        var awaited: CInt?
        var sent = 0
        var sourceFailure: (any Error)?
        var lastMove: ContinuousClock.Instant
    }

    let call: HTTPCall
    private let start: ContinuousClock.Instant
    private let state: Mutex<State>

    init(_ call: HTTPCall) {
        self.call = call
        let now = ContinuousClock.now
        start = now
        state = Mutex(State(lastMove: now))
    }
}

// MARK: - For the task

extension Transfer {
    /// Returns when the answer has begun.
    func head() async throws -> HTTPHead {
        try await wait { state -> Result<HTTPHead, any Error>? in
            if state.isHeadWhole { return .success(state.head) }
            return state.ended?.flatMap { .failure(ConnectionFailure.broken(why: "there was no answer")) }
        }.get()
    }

    /// What has come of the body since the last time, and nil at its end.
    /// - Parameter goesOn: told where the connection is to be read again.
    func next(_ goesOn: () -> Void) async throws -> [UInt8]? {
        let (part, wasPaused) = try await wait { state -> Result<([UInt8]?, Bool), any Error>? in
            if !state.unread.isEmpty {
                defer { (state.unread, state.isReadingPaused) = ([], false) }
                return .success((state.unread, state.isReadingPaused))
            }
            return state.ended?.map { (nil, false) }
        }.get()
        if wasPaused { goesOn() }
        return part
    }

    var isEnded: Bool { state.withLock { $0.ended != nil } }

    /// Returns when nothing moves any more, and the source of the body is not touched again.
    func end() async { await wait { $0.ended == nil ? nil : () } }

    private func wait<Value: Sendable>(_ look: (inout State) -> Value?) async -> Value {
        while true {
            if let value = state.withLock({ look(&$0) }) { return value }
            await withCheckedContinuation { continuation in
                let isChanged = state.withLock { state in
                    if !state.isChanged { state.waiter = continuation }
                    defer { state.isChanged = false }
                    return state.isChanged
                }
                if isChanged { continuation.resume() }
            }
        }
    }
}

// MARK: - For the thread of the connections

extension Transfer {
    enum Sending {
        case bytes(Int)
        case pause
        case failure
    }

    /// One line of what stands before the body: the status, a header, or the empty one at the end.
    func takeHeader(_ line: UnsafeRawBufferPointer) {
        // Headers may have any bytes. Those that count here are ASCII, and another byte is shown replaced.
        let text = String(decoding: line, as: UTF8.self).trimming { $0.isNewline }
        state.withLock { state in
            state.lastMove = .now
            // What comes after the body is not for anybody here.
            guard !state.isHeadWhole else { return }
            if text.hasPrefix("HTTP/") {
                state.head = HTTPHead(status: text.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0)
            } else if text.isEmpty {
                // Before an answer there can be others, such as 100 Continue.
                (state.isHeadWhole, state.isChanged) = (state.head.status >= 200, true)
            } else if let colon = text.firstIndex(of: ":") {
                let value = text[text.index(after: colon)...].trimming { $0 == " " || $0 == "\t" }
                state.head.headers.append((text[..<colon].lowercased(), value))
            }
        }
    }

    /// - Returns: false where the reader has to read first. Then nothing is taken.
    func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
        state.withLock { state in
            state.lastMove = .now
            state.isReadingPaused = state.unread.count >= Transfer.unreadMax
            guard !state.isReadingPaused else { return false }
            state.unread.append(contentsOf: bytes)
            state.isChanged = true
            return true
        }
    }

    /// Fills a buffer with what comes next of the body.
    func give(_ buffer: UnsafeMutableRawBufferPointer) -> Sending {
        let sent = state.withLock { state in
            (state.lastMove, state.awaited) = (.now, nil)
            return state.sent
        }
        let part: UploadPart
        switch call.body {
        case .none: part = .end
        case .bytes(let bytes):
            let rest = bytes[sent...].prefix(buffer.count)
            buffer.copyBytes(from: rest)
            part = rest.isEmpty ? .end : .bytes(rest.count)
        case .source(let source):
            do {
                part = try read(source, into: buffer, after: sent)
            } catch {
                state.withLock { $0.sourceFailure = error }
                return .failure
            }
        }
        return state.withLock { state in
            switch part {
            case .bytes(let count):
                state.sent += count
                return .bytes(count)
            case .end: return .bytes(0)
            case .later(let descriptor):
                state.awaited = descriptor
                return .pause
            }
        }
    }

    /// A server takes exactly as many bytes as were promised.
    private func read(
        _ source: any UploadSource, into buffer: UnsafeMutableRawBufferPointer, after sent: Int
    ) throws -> UploadPart {
        let left = source.size.map { $0 - sent } ?? .max
        guard left > 0 else { return .end }
        let part = try source.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer.prefix(left)))
        if case .end = part, source.size != nil {
            throw ConnectionFailure.broken(why: "what is sent became shorter meanwhile")
        }
        return part
    }

    /// What the body waits for.
    var awaited: CInt? { state.withLock { $0.awaited } }
    var isReadingPaused: Bool { state.withLock { $0.isReadingPaused } }

    func finish(_ result: Result<Void, any Error>) {
        state.withLock { state in
            guard state.ended == nil else { return }
            state.ended = state.sourceFailure.map { .failure($0) } ?? result
            state.isChanged = true
        }
        tell()
    }

    /// Wakes the task where there is something new. Called when all that there was has been read, not for each part of it.
    func tell() {
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.isChanged, let waiter = state.waiter else { return nil }
            (state.isChanged, state.waiter) = (false, nil)
            return waiter
        }
        waiter?.resume()
    }

    /// Why the call has taken too long; nil as long as it has not. Time does not count while this side is the slow one.
    func overtime(at now: ContinuousClock.Instant, idle: Duration) -> ConnectionFailure? {
        state.withLock { state in
            if !state.isHeadWhole, let patience = call.patience, now - start > patience {
                return .broken(why: "no answer within \(patience.components.seconds) seconds")
            }
            if state.isReadingPaused || state.awaited != nil { state.lastMove = now }
            guard now - state.lastMove > idle else { return nil }
            return .broken(why: "nothing moved for \(idle.components.seconds) seconds")
        }
    }
}

extension StringProtocol {
    fileprivate func trimming(_ isTrimmed: (Character) -> Bool) -> String {
        let start = firstIndex { !isTrimmed($0) } ?? endIndex
        let end = self[start...].lastIndex { !isTrimmed($0) }.map { index(after: $0) } ?? start
        return String(self[start..<end])
    }
}
