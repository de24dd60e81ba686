import OvationCore
import OvationWire

/// The result of one chunk of an upload.
struct ChunkReport: Sendable {
    let number: Int
    let lines: Int
    let stored: Int
    let refused: Int
    let errors: [JSONValue]
    let errorsOmitted: Int
    /// It was stored before, by an upload with the same key.
    let isDuplicate: Bool

    /// - Parameter stored: the number of its events that are stored now.
    init(_ chunk: CheckedChunk, stored: Int) {
        number = chunk.lines.number
        lines = chunk.lines.lines.count
        self.stored = stored
        refused = chunk.refused
        errors = chunk.errors.map(ProblemBody.json)
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
        errors = json["errors"]?.array ?? []
        errorsOmitted = json["errors_omitted"]?.int ?? 0
        isDuplicate = true
    }

    /// The result that is remembered for a chunk under its key: with fewer errors, since it is kept for a day.
    static func answer(of chunk: CheckedChunk) -> [UInt8] {
        let errors = chunk.errors.listed()
        return JSONWriter.write(
            .object([
                .init("stored", JSONValue(chunk.events.rows.count)), .init("refused", JSONValue(chunk.refused)),
                .init("errors", .array(errors.map(ProblemBody.json))),
                .init("errors_omitted", JSONValue(chunk.errorsOmitted + chunk.errors.count - errors.count)),
            ]))
    }
}

/// The result of an upload so far.
struct BulkTotals: Sendable {
    private(set) var lines = 0
    private(set) var stored = 0
    private(set) var duplicates = 0
    private(set) var refused = 0
    private(set) var chunks = 0
    private(set) var duplicateChunks = 0
    private var errors: [JSONValue] = []
    private var errorsOmitted = 0
    private var errorsBytes = 0

    mutating func add(_ chunk: ChunkReport) {
        chunks += 1
        lines += chunk.lines
        refused += chunk.refused
        if chunk.isDuplicate {
            duplicates += chunk.stored
            duplicateChunks += 1
        } else {
            stored += chunk.stored
        }
        var listed = 0
        for error in chunk.errors {
            let bytes = JSONWriter.write(error).count
            guard errors.count < Limits.bulkErrorsMax, errorsBytes + bytes <= Limits.bulkErrorsBytesMax else { break }
            errorsBytes += bytes
            errors.append(error)
            listed += 1
        }
        errorsOmitted += chunk.errorsOmitted + chunk.errors.count - listed
    }

    private var counts: [JSONValue.Member] {
        [
            .init("lines", JSONValue(lines)), .init("stored", JSONValue(stored)),
            .init("duplicates", JSONValue(duplicates)), .init("refused", JSONValue(refused)),
            .init("chunks", JSONValue(chunks)), .init("duplicate_chunks", JSONValue(duplicateChunks)),
        ]
    }

    /// The answer when the upload has ended.
    var summary: JSONValue {
        var members = counts
        members.append(.init("errors", .array(errors)))
        if errorsOmitted > 0 { members.append(.init("errors_omitted", JSONValue(errorsOmitted))) }
        return .object(members)
    }

    /// The line for a chunk: the counts so far, and the errors of this chunk.
    func progress(after chunk: ChunkReport) -> JSONValue {
        var members = counts
        if !chunk.errors.isEmpty { members.append(.init("errors", .array(chunk.errors))) }
        if chunk.errorsOmitted > 0 { members.append(.init("errors_omitted", JSONValue(chunk.errorsOmitted))) }
        return .object(members)
    }

    /// The last line of an upload that came to its end.
    var end: JSONValue { .object([.init("done", .bool(true))] + counts) }
}
