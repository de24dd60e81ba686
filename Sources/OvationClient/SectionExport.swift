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

/// What the lines of an export are.
protocol ExportedLines: Sendable {
    associatedtype Summary: Sendable
    static var endpoint: Endpoint { get }
    /// What the last line says; nil: it is no summary.
    static func summary(_ line: JSONValue) -> Summary?
    /// For `after`, to go on behind a line; nil: it says no such place.
    static func place(_ line: JSONValue) -> String?
}

enum EventLines: ExportedLines {
    static let endpoint = Endpoint.exportEvents

    static func summary(_ line: JSONValue) -> Bodies.ExportSummary? {
        (try? Bodies.ExportEnd(received: line))?.summary
    }

    static func place(_ line: JSONValue) -> String? {
        (try? Bodies.ExportLine(received: line)).flatMap { $0.eventID.isEmpty ? nil : $0.eventID }
    }
}

/// All events of a section. After a break an export of lines of JSON goes on behind the last event that was written.
public struct SectionExport: Sendable {
    public enum Format: Sendable { case lines, csv }

    private let attempts: ExportRun<EventLines>

    /// - Parameters:
    ///   - query: parameters of the endpoint, but for `format`, `summary` and `after`.
    ///   - after: only events that arrived after the one with this id.
    public init(
        of section: String, query: [QueryParameter], format: Format, after: String?, through client: APIClient,
        observer: any ExportObserver
    ) {
        attempts = ExportRun(
            client: client, section: section, query: query, format: format, after: after, observer: observer)
    }

    /// - Returns: what the export has, all attempts together.
    /// - Throws: ``IncompleteExport`` after a break; ``ClientFailure``; or what the observer threw.
    public func run() async throws -> Bodies.ExportSummary {
        do {
            var (summary, lines) = try await attempts.run()
            // The server counts from where the last attempt began.
            if let lines { summary.events = Int64(lines) }
            return summary
        } catch let broken as BrokenExport<EventLines> {
            throw IncompleteExport(
                failure: broken.failure, lastEventID: attempts.format == .csv ? nil : broken.tail.after ?? "0")
        }
    }
}

/// An attempt that broke.
struct BrokenExport<Lines: ExportedLines>: Error {
    let failure: ClientFailure
    let tail: ExportTail<Lines>
}

/// An export, attempt by attempt.
struct ExportRun<Lines: ExportedLines>: Sendable {
    let client: APIClient
    let section: String
    let query: [QueryParameter]
    let format: SectionExport.Format
    let after: String?
    let observer: any ExportObserver

    /// - Returns: the last summary, and how many lines were written, where each is one of JSON.
    /// - Throws: ``BrokenExport`` when it was tried often enough; ``ClientFailure``; or what the observer threw.
    func run() async throws -> (summary: Lines.Summary, lines: Int?) {
        var retries = Retries()
        var tail = ExportTail<Lines>(after: after)
        while true {
            do {
                tail = try await attempt(tail)
                return (try tail.summary(), format == .lines ? tail.lines : nil)
            } catch let broken as BrokenExport<Lines> {
                tail = broken.tail
                guard format == .lines, let seconds = retries.pause(progress: tail.lines) else { throw broken }
                observer.pauses(after: broken.failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
                tail.dropUnfinished()
            }
        }
    }

    private func attempt(_ start: ExportTail<Lines>) async throws -> ExportTail<Lines> {
        let query =
            query + (format == .csv ? [("format", "csv")] : []) + [("summary", "true")]
            + (start.after.map { [("after", $0)] } ?? [])
        let (client, observer) = (client, observer)
        let kept = Mutex(start)
        do {
            return try await client.stream(
                Lines.endpoint, ["section": section], query: query, headers: [("accept", "*/*")], repeating: {}
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
struct ExportTail<Lines: ExportedLines>: Sendable {
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
    func summary() throws(ClientFailure) -> Lines.Summary {
        guard held.last == 10, let json = try? JSONValue(parsing: held), let summary = Lines.summary(json) else {
            throw .cutOff
        }
        return summary
    }

    mutating func dropUnfinished() {
        held = []
    }

    /// Where the last line stands that was written.
    var after: String? { (try? JSONValue(parsing: lastLine)).flatMap { Lines.place($0) } ?? start }
}
