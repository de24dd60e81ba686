import Crypto
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import ServiceLifecycle

/// One bulk upload: reads lines and checks a chunk of them while the chunk before is committed. It holds only these
/// two, however fast the lines arrive.
struct Upload: Sendable {
    let dependencies: Dependencies
    let call: Call
    let section: Discriminator<Section>
    /// Ends at the first bad line, and stores nothing of its chunk.
    let isStrict: Bool
    /// Checks everything and stores nothing.
    let isCheckOnly: Bool
    let idempotencyKey: String?
    /// The compression of the body; nil if there is none.
    let coding: ContentCoding?

    /// - Parameter tell: called after each chunk.
    /// - Throws: a problem that says how many lines are done.
    func run(
        _ tell: @escaping @Sendable (ChunkReport, BulkTotals) async throws -> Void
    ) async throws -> BulkTotals {
        var totals = BulkTotals()
        call.connection?.tell(.uploadBegan)
        defer { call.connection?.tell(.uploadEnded) }
        do {
            try await withThrowingTaskGroup(of: ChunkReport.self) { group in
                var isCommitting = false
                func settle(_ group: inout ThrowingTaskGroup<ChunkReport, any Error>) async throws {
                    guard isCommitting, let report = try await group.next() else { return }
                    isCommitting = false
                    totals.add(report)
                    try await tell(report, totals)
                }
                func store(
                    _ lines: LineChunk, _ group: inout ThrowingTaskGroup<ChunkReport, any Error>
                ) async throws {
                    let (chunk, place) = try await check(lines)
                    try await settle(&group)
                    isCommitting = true
                    group.addTask { try await commit(chunk, at: place) }
                }
                do {
                    var cutter = LineCutter(
                        linesMax: dependencies.limits.bulkChunkLines, bytesMax: dependencies.limits.bulkChunkBytes,
                        lineBytesMax: dependencies.limits.bulkLineBytes)
                    try await readBody { part in
                        var part = part
                        while let lines = cutter.take(from: &part) { try await store(lines, &group) }
                    }
                    for lines in cutter.takeRest() { try await store(lines, &group) }
                    try await settle(&group)
                } catch {
                    // The chunk that is being committed is stored, whatever comes after it.
                    try? await settle(&group)
                    throw error
                }
            }
        } catch {
            var problem = Problem(thrown: error)
            problem.linesDone = totals.lines
            throw problem
        }
        return totals
    }

    /// - Throws: when the body does not come to its end: its last line may be half a line.
    private func readBody(_ take: (ByteBuffer) async throws -> Void) async throws {
        var received = 0
        try await call.request.forEachPart(of: coding) {
            received += $0.readableBytes
        } take: {
            try await take($0)
        }
        // When a task is cancelled, its body ends without an error.
        try Task.checkCancellation()
        if let length = call.request.headers[.contentLength].flatMap({ Int($0) }), received < length {
            throw Problem(.invalidRequest, "The request ended before its body did.")
        }
    }

    /// With the present rights and definitions: an upload can take hours.
    private func check(_ lines: LineChunk) async throws -> (CheckedChunk, PostJournal.BulkPlace) {
        if Task.isShuttingDownGracefully {
            throw Problem(.shuttingDown, "The server is stopping; send the upload again.", retryAfterSeconds: 2)
        }
        let receivedAt = dependencies.clock.now()
        let caller = try dependencies.directory.current(call.caller())
        let section = try caller.section(section)
        let chunk = await ChunkDecoder.check(
            lines, of: caller, section: section, receivedAt: receivedAt, limits: dependencies.limits,
            with: dependencies.parsers)
        let place = PostJournal.BulkPlace(
            caller: caller, section: section, requestID: call.requestID, receivedAt: receivedAt)
        return (chunk, place)
    }

    private func commit(_ chunk: CheckedChunk, at place: PostJournal.BulkPlace) async throws -> ChunkReport {
        var chunk = chunk
        var closed = ClosedProfiles()
        while true {
            switch try await commitOnce(chunk, at: place) {
            case .done(let report): return report
            case .refused(let profiles):
                // Their lines are refused like those that are wrong in themselves, and the rest is stored.
                closed.add(profiles, of: chunk.events)
                chunk = await ChunkDecoder.check(
                    chunk.lines, of: place.caller, section: place.section, receivedAt: place.receivedAt,
                    closed: closed, limits: dependencies.limits, with: dependencies.parsers)
            }
        }
    }

    private enum Commit {
        case done(ChunkReport)
        /// Nothing of the chunk is stored, since these of its profiles take no data.
        case refused([RefusedProfile])
    }

    private func commitOnce(_ chunk: CheckedChunk, at place: PostJournal.BulkPlace) async throws -> Commit {
        if isCheckOnly, !(isStrict && chunk.refused > 0) { return .done(ChunkReport(chunk, stored: 0)) }
        let idempotency = idempotency(of: chunk, at: place)
        if isStrict, chunk.refused > 0 {
            // A stored chunk stays stored, even if definitions have changed since.
            if !isCheckOnly, let idempotency,
                case .duplicate(let answer)? = try await dependencies.store.outcome(
                    account: place.account, of: idempotency, at: place.receivedAt)
            {
                let report = ChunkReport(chunk.lines, remembered: answer)
                await dependencies.journal.repeated(chunk, events: report.stored, at: place)
                return .done(report)
            }
            if !isCheckOnly { await dependencies.journal.refused(chunk, at: place) }
            throw strictProblem(chunk)
        }
        // There is nothing to store, to remember or to count.
        if chunk.events.rows.isEmpty, idempotency == nil, chunk.refused == 0 {
            dependencies.journal.loaded(chunk, at: place)
            return .done(ChunkReport(chunk, stored: 0))
        }
        switch try await append(chunk.events.remembered(as: idempotency)) {
        case .stored:
            dependencies.journal.loaded(chunk, at: place)
            return .done(ChunkReport(chunk, stored: chunk.events.rows.count))
        case .duplicate(let answer):
            let report = ChunkReport(chunk.lines, remembered: answer)
            dependencies.journal.reloaded(chunk, events: report.stored, at: place)
            return .done(report)
        case .refused(let profiles): return .refused(profiles)
        case .conflict, .notOpen:
            throw Problem(
                .idempotencyKeyReused,
                "Lines \(chunk.lines.firstLine) to \(chunk.lines.lastLine) differ from the lines that came before with this "
                    + "Idempotency-Key; nothing of them was stored. Send the same lines again, or use a new key "
                    + "for lines that were not sent before.")
        }
    }

    /// Waits for a place in the writer's queue: an upload can wait, and this slows its sender down.
    private func append(_ chunk: EventChunk) async throws -> AppendOutcome {
        let end = ContinuousClock.now.advanced(by: Limits.bulkPatience)
        var pause = Duration.milliseconds(10)
        while true {
            do {
                return try await dependencies.store.append(chunk)
            } catch {
                guard error.code == .busy, ContinuousClock.now < end else { throw error }
                try await Task.sleep(for: pause)
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    private func strictProblem(_ chunk: CheckedChunk) -> Problem {
        guard let first = chunk.errors.first else { return Problem(.validationFailed, "A line was refused.") }
        return Problem(
            .validationFailed,
            "Line \(first.line ?? 0) was refused, and the upload ended there; of lines \(chunk.lines.firstLine) to "
                + "\(chunk.lines.lastLine) nothing was stored. \(first.pointer): \(first.detail)",
            errors: chunk.errors)
    }

    /// A chunk is remembered under the upload's key and its own number.
    private func idempotency(of chunk: CheckedChunk, at place: PostJournal.BulkPlace) -> Idempotency? {
        // An upload with an API key that may write nowhere leaves no trace.
        guard let idempotencyKey, place.caller.mayWriteAnywhere else { return nil }
        var hash = SHA256()
        hash.update(data: Array("bulk \(place.section.number) ".utf8))
        chunk.lines.text.withUnsafeBytes { hash.update(bufferPointer: $0) }
        return Idempotency(
            idempotencyKey, of: place.caller.key.clientID, section: place.section.number, part: chunk.lines.number,
            fingerprint: Array(hash.finalize()), answer: ChunkReport.answer(of: chunk))
    }
}

extension Identity {
    var mayWriteAnywhere: Bool { catalogue.keyspaces.contains { key.mayWrite($0.discriminator) } }
}

extension EventChunk {
    fileprivate func remembered(as idempotency: Idempotency?) -> EventChunk {
        EventChunk(
            account: account, section: section, receivedAt: receivedAt, profiles: profiles, keys: keys, rows: rows,
            data: data, idempotency: idempotency, refused: refused)
    }
}
