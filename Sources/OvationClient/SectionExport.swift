import OvationCore
public import OvationWire
import Synchronization

/// What hears of an export while it goes on.
public protocol ExportObserver: TransferObserver {
    /// Whole lines of the export, in their order. What it throws ends the export.
    func write(_ bytes: UnsafeRawBufferPointer) throws
    /// How many lines were written so far; in CSV about as many as events.
    func progressed(lines: Int)
}

/// An export that did not come to its end.
public struct IncompleteExport: Error, Sendable {
    public let failure: ClientFailure
    /// The last event that was written. An export with `after` goes on from here. nil in CSV, where a line end can stand
    /// within a text, so that nobody knows where a record ends.
    public let lastEventID: String?
}

/// All events of a section. After a break an export of lines of JSON goes on behind the last event that was written.
public struct SectionExport: Sendable {
    public enum Format: Sendable { case lines, csv }

    let client: APIClient
    let section: String
    let query: [QueryParameter]
    let format: Format
    let after: String?
    let observer: any ExportObserver

    /// - Parameters:
    ///   - query: parameters of the endpoint, but for `format`, `summary` and `after`.
    ///   - after: only events that arrived after the one with this id.
    public init(
        of section: String, query: [QueryParameter], format: Format, after: String?, through client: APIClient,
        observer: any ExportObserver
    ) {
        self.section = section
        self.query = query
        self.format = format
        self.after = after
        self.client = client
        self.observer = observer
    }

    /// - Returns: what the export has, all attempts together.
    /// - Throws: ``IncompleteExport`` after a break; ``ClientFailure``; or what the observer threw.
    public func run() async throws -> Bodies.ExportSummary {
        var retries = Retries()
        var tail = ExportTail(after: after)
        while true {
            do {
                tail = try await attempt(tail)
                var summary = try tail.summary()
                // The server counts from where the last attempt began.
                if format == .lines { summary.events = Int64(tail.lines) }
                return summary
            } catch let broken as BrokenExport {
                tail = broken.tail
                guard format == .lines else { throw IncompleteExport(failure: broken.failure, lastEventID: nil) }
                guard let seconds = retries.pause(progress: tail.lines) else {
                    throw IncompleteExport(failure: broken.failure, lastEventID: tail.after ?? "0")
                }
                observer.pauses(after: broken.failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
                tail.dropUnfinished()
            }
        }
    }

    private struct BrokenExport: Error {
        let failure: ClientFailure
        let tail: ExportTail
    }

    private func attempt(_ start: ExportTail) async throws -> ExportTail {
        let query =
            query + (format == .csv ? [("format", "csv")] : []) + [("summary", "true")]
            + (start.after.map { [("after", $0)] } ?? [])
        let (client, observer) = (client, observer)
        let kept = Mutex(start)
        do {
            return try await client.stream(
                .exportEvents, ["section": section], query: query, headers: [("accept", "*/*")], repeating: {}
            ) { answer in
                var tail = start
                while let part = try await answer.next() {
                    try tail.take(part, to: observer)
                    kept.withLock { $0 = tail }
                    observer.progressed(lines: tail.lines)
                }
                _ = try tail.summary()
                return tail
            }
        } catch let failure as ClientFailure where failure.isPassing {
            throw BrokenExport(failure: failure, tail: kept.withLock { $0 })
        }
    }
}

/// The end of what has come of an export: its last line is held back, since it can be the summary.
struct ExportTail: Sendable {
    /// Lines written.
    private(set) var lines = 0
    private var held: [UInt8] = []
    private var lastLine: [UInt8] = []
    private let start: String?

    init(after: String?) {
        start = after
    }

    mutating func take(_ part: [UInt8], to observer: any ExportObserver) throws {
        held.append(contentsOf: part)
        guard let end = held.lastIndex(of: 10), let before = held[..<end].lastIndex(of: 10) else { return }
        let lineStart = held[..<before].lastIndex(of: 10).map { $0 + 1 } ?? 0
        lastLine = Array(held[lineStart..<before])
        try held.withUnsafeBytes { bytes in
            try observer.write(UnsafeRawBufferPointer(rebasing: bytes[...before]))
            lines += bytes[...before].count { $0 == 10 }
        }
        held.removeSubrange(...before)
    }

    /// What stands in the last line.
    /// - Throws: ``ClientFailure/cutOff`` where that is none.
    func summary() throws(ClientFailure) -> Bodies.ExportSummary {
        guard held.last == 10, let json = try? JSONValue(parsing: held),
            let summary = (try? Bodies.ExportEnd(received: json))?.summary
        else { throw .cutOff }
        return summary
    }

    mutating func dropUnfinished() {
        held = []
    }

    /// The last event that was written.
    var after: String? {
        let line = (try? JSONValue(parsing: lastLine)).flatMap { try? Bodies.ExportLine(received: $0) }
        return line.flatMap { $0.eventID.isEmpty ? nil : $0.eventID } ?? start
    }
}
