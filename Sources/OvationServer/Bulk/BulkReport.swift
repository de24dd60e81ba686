import OvationCore
import OvationWire

/// The result of one chunk of an upload.
struct ChunkReport: Sendable {
    let number: Int
    let lines: Int
    let stored: Int
    let refused: Int
    let errors: [Bodies.ItemError]
    let errorsOmitted: Int
    /// It was stored before, by an upload with the same key.
    let isDuplicate: Bool

    /// - Parameter stored: the number of its events that are stored now.
    init(_ chunk: CheckedChunk, stored: Int) {
        number = chunk.lines.number
        lines = chunk.lines.lines.count
        self.stored = stored
        refused = chunk.refused
        errors = chunk.errors.map { Bodies.ItemError($0) }
        errorsOmitted = chunk.errorsOmitted
        isDuplicate = false
    }

    /// For a chunk that was stored before, from the remembered result.
    init(_ chunk: LineChunk, remembered answer: [UInt8]) {
        let json = (try? JSONValue(parsing: answer)) ?? .null
        number = chunk.number
        lines = chunk.lines.count
        stored = json["stored"]?.int ?? 0
        refused = json["refused"]?.int ?? 0
        errors = (json["errors"]?.array ?? []).compactMap { try? Bodies.ItemError(json: $0) }
        errorsOmitted = json["errors_omitted"]?.int ?? 0
        isDuplicate = true
    }

    /// The result that is remembered for a chunk under its key: with fewer errors, since it is kept for a day.
    static func answer(of chunk: CheckedChunk) -> [UInt8] {
        let errors = chunk.errors.listed()
        return JSONWriter.write(
            .object([
                .init("stored", JSONValue(chunk.events.rows.count)), .init("refused", JSONValue(chunk.refused)),
                .init("errors", errors.map { Bodies.ItemError($0) }.json),
                .init("errors_omitted", JSONValue(chunk.errorsOmitted + chunk.errors.count - errors.count)),
            ]))
    }
}

/// The result of an upload so far.
struct BulkTotals: Sendable {
    private var counts = Bodies.BulkCounts()
    private var errors: [Bodies.ItemError] = []
    private var errorsOmitted = 0
    private var errorsBytes = 0

    var lines: Int { Int(counts.lines) }

    mutating func add(_ chunk: ChunkReport) {
        counts.chunks += 1
        counts.lines += Int64(chunk.lines)
        counts.refused += Int64(chunk.refused)
        if chunk.isDuplicate {
            counts.duplicates += Int64(chunk.stored)
            counts.duplicateChunks += 1
        } else {
            counts.stored += Int64(chunk.stored)
        }
        var listed = 0
        for error in chunk.errors {
            let bytes = JSONWriter.write(error.json).count
            guard errors.count < Limits.bulkErrorsMax, errorsBytes + bytes <= Limits.bulkErrorsBytesMax else { break }
            errorsBytes += bytes
            errors.append(error)
            listed += 1
        }
        errorsOmitted += chunk.errorsOmitted + chunk.errors.count - listed
    }

    /// The answer when the upload has ended.
    var summary: Bodies.BulkSummary {
        var summary = Bodies.BulkSummary()
        summary.counts = counts
        summary.errors = errors
        summary.errorsOmitted = errorsOmitted > 0 ? Int64(errorsOmitted) : nil
        return summary
    }

    /// The line for a chunk: the counts so far, and the errors of this chunk.
    func progress(after chunk: ChunkReport) -> JSONValue {
        var members = counts.json.members ?? []
        if !chunk.errors.isEmpty { members.append(.init("errors", chunk.errors.json)) }
        if chunk.errorsOmitted > 0 { members.append(.init("errors_omitted", JSONValue(chunk.errorsOmitted))) }
        return .object(members)
    }

    /// The last line of one that went to its end.
    var end: JSONValue { .object([.init("done", .bool(true))] + (counts.json.members ?? [])) }
}
