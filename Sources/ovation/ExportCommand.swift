import ArgumentParser
import AsyncHTTPClient
import Foundation
import NIOCore
import OvationCore
import OvationWire
import Synchronization
import SystemPackage

extension EventsCommand {
    struct Export: AsyncParsableCommand {
        enum Format: String, ExpressibleByArgument, CaseIterable { case ndjson, csv }

        static let configuration = CommandConfiguration(
            abstract: "Give out all events of a section, or of one profile.",
            discussion: """
                All events come in the order of their arrival, as lines that 'ovation events import' takes, or as CSV. \
                With a single --event-type, CSV has a column for each field. Those of one profile come newest first.

                Examples:
                  ovation events export -o history.ndjson
                  ovation events export --format csv --event-type com.apsis1.events.transaction.order -o orders.csv
                  ovation events export --from 2024-01-01T00:00:00Z --to 2025-01-01T00:00:00Z | gzip > 2024.ndjson.gz
                  ovation events export --keyspace com.apsis1.keyspaces.email --profile-key steve@apsis.com
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Discriminator of the section.") var section = "com.apsis1.sections.default"
        @Option(help: "ndjson or csv.") var format = Format.ndjson
        @Option(help: "Only this event type; repeatable.") var eventType: [String] = []
        @Option(help: "From this event time on, as 2020-10-14T09:43:34Z.") var from: String?
        @Option(help: "Up to this event time, not including it.") var to: String?
        @Option(help: "Only events that arrived after the one with this id.") var after: String?
        @Option(help: "With --profile-key: discriminator of its keyspace.") var keyspace = "com.apsis1.keyspaces.email"
        @Option(help: "Only events of the profile with this key.") var profileKey: String?
        @Flag(help: "In CSV: leave texts that a spreadsheet would calculate as they are.") var keepFormulas = false
        @Flag(help: "In CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.") var bom = false
        @Flag(help: "Also event types that may not be read through a profile's keyspace; for admin keys.")
        var ignoreKeyspacePermissions = false
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Option(name: .shortAndLong, help: "File to write. (default: standard output)") var output: String?

        func run() async throws {
            guard !bom || format == .csv else { throw CommandFailure("--bom is for --format csv.") }
            let client = try connection.client()
            let file = try ExportFile(output, format)
            defer { file.discardIfEmpty() }
            let total = profileKey == nil && from == nil && to == nil ? try await count(client) : nil
            let progress = TransferProgress(total: total, unit: "events", isQuiet: quiet)
            let line: String
            if let profileKey {
                guard after == nil else { throw CommandFailure("--after has no meaning with --profile-key.") }
                let export = ProfileExport(
                    client: client, keyspace: keyspace, key: profileKey, section: section, query: query,
                    format: try await format(client), file: file, progress: progress)
                line = try await progress.whileShowing { try await export.run() }
            } else {
                let export = SectionExport(
                    client: client, section: section, query: query, format: format, after: after, file: file,
                    progress: progress)
                line = try await progress.whileShowing { try await export.run() }
            }
            try file.finish()
            if !quiet { StandardError.write(line) }
        }

        private var query: [(String, String)] {
            var query = eventType.map { ("event_discriminators", $0) }
            if let from { query.append(("from", from)) }
            if let to { query.append(("to", to)) }
            if ignoreKeyspacePermissions { query.append(("ignore_keyspace_permissions", "true")) }
            if format == .csv, profileKey == nil { query.append(("format", "csv")) }
            if bom, profileKey == nil { query.append(("bom", "true")) }
            if keepFormulas, profileKey == nil { query.append(("formulas", "keep")) }
            return query
        }

        /// How many events there are, for the progress; nil where nobody can say.
        private func count(_ client: APIClient) async throws -> Int? {
            guard !quiet, after == nil else { return nil }
            let usage = try await client.call(.getUsage, ["section": section])["items"]?.array ?? []
            return usage.reduce(0) { total, usage in
                let isWanted = eventType.isEmpty || eventType.contains(usage["discriminator"]?.string ?? "")
                return total + (isWanted ? usage["event_count"]?.int ?? 0 : 0)
            }
        }

        /// As the server would write it.
        private func format(_ client: APIClient) async throws -> ExportFormat {
            guard format == .csv else { return .ndjson }
            var fields: [String]?
            if eventType.count == 1 {
                let type = try await client.call(.getEventType, ["section": section, "event": eventType[0]])
                var names: [String] = []
                for version in type["versions"]?.array ?? [] {
                    for field in version["type"]?.members ?? [] where !names.contains(field.name) {
                        names.append(field.name)
                    }
                }
                fields = names
            }
            return .csv(CSVColumns(fields: fields, guardsFormulas: !keepFormulas, hasMark: bom))
        }
    }
}

/// Where an export goes.
struct ExportFile: Sendable {
    private let file: OutputFile
    private let format: EventsCommand.Export.Format

    /// The events are personal data: nobody else on the machine reads them.
    init(_ path: String?, _ format: EventsCommand.Export.Format) throws {
        file = try OutputFile(path)
        self.format = format
    }

    /// Whole lines.
    func write(_ bytes: UnsafeRawBufferPointer) throws {
        let escaped =
            switch format {
            case .ndjson: TerminalText.lines(bytes)
            case .csv: file.isTerminal ? TerminalText.lines(bytes) : nil
            }
        if let escaped { try escaped.withUnsafeBytes { try file.write($0) } } else { try file.write(bytes) }
    }

    func finish() throws { try file.finish() }

    func discardIfEmpty() { file.discardIfEmpty() }
}

/// All events of a section.
struct SectionExport: Sendable {
    let client: APIClient
    let section: String
    let query: [(String, String)]
    let format: EventsCommand.Export.Format
    let after: String?
    let file: ExportFile
    let progress: TransferProgress

    /// Gives the line that says how it went.
    func run() async throws -> String {
        var patience = Patience()
        var tail = ExportTail(after: after)
        while true {
            do {
                tail = try await attempt(tail)
                let summary = try tail.summary()
                let leftOut = summary["left_out"]?.int ?? 0
                let events = format == .csv ? summary["events"]?.int ?? 0 : tail.events
                return Figures.count(events, of: "event")
                    + (leftOut > 0 ? ", \(Figures.grouped(leftOut)) left out that this key may not read" : "")
                    + ", up to event \(summary["last_event_id"]?.string ?? "0")."
            } catch let failure as BrokenExport {
                tail = failure.tail
                // In CSV a line end can stand within a text, so nobody knows where a record ends.
                guard format == .ndjson else {
                    throw CommandFailure("\(failure.interruption.reason); the export is not whole.")
                }
                do {
                    try await patience.wait(after: failure.interruption, progress: tail.events, progress)
                } catch let interruption as Interruption {
                    throw CommandFailure(
                        "\(interruption.reason); the export is not whole. --after \(tail.after ?? "0") goes on from here."
                    )
                }
                tail.dropUnfinished()
            }
        }
    }

    private struct BrokenExport: Error {
        let interruption: Interruption
        let tail: ExportTail
    }

    private func attempt(_ start: ExportTail) async throws -> ExportTail {
        let query = query + [("summary", "true")] + (start.after.map { [("after", $0)] } ?? [])
        let (file, progress) = (file, progress)
        let kept = Mutex(start)
        do {
            return try await client.stream(
                .exportEvents, ["section": section], query: query, headers: [("accept", "*/*")], body: nil
            ) { body in
                var tail = start
                for try await part in body {
                    try tail.take(part, to: file)
                    kept.withLock { $0 = tail }
                    progress.count(tail.events)
                    progress.advance(to: tail.events)
                }
                guard (try? tail.summary()) != nil else { throw Interruption(reason: "the export broke off") }
                return tail
            }
        } catch let interruption as Interruption {
            throw BrokenExport(interruption: interruption, tail: kept.withLock { $0 })
        }
    }
}

/// The end of what has come of an export: its last line is held back, since it can be the summary.
struct ExportTail: Sendable {
    /// Lines written; in CSV about as many as events.
    private(set) var events = 0
    private var held: [UInt8] = []
    private var lastLine: [UInt8] = []
    private let start: String?

    init(after: String?) {
        start = after
    }

    mutating func take(_ part: ByteBuffer, to file: ExportFile) throws {
        held.append(contentsOf: part.readableBytesView)
        guard let end = held.lastIndex(of: 10), let before = held[..<end].lastIndex(of: 10) else { return }
        let lineStart = held[..<before].lastIndex(of: 10).map { $0 + 1 } ?? 0
        lastLine = Array(held[lineStart..<before])
        try held.withUnsafeBytes { bytes in
            try file.write(UnsafeRawBufferPointer(rebasing: bytes[...before]))
            events += bytes[...before].count { $0 == 10 }
        }
        held.removeSubrange(...before)
    }

    /// What stands in the last line.
    func summary() throws -> JSONValue {
        guard held.last == 10, let summary = try JSONValue(parsing: held)["summary"] else {
            throw Interruption(reason: "the export broke off")
        }
        return summary
    }

    mutating func dropUnfinished() {
        held = []
    }

    /// The last event that was written.
    var after: String? {
        (try? JSONValue(parsing: lastLine))?["event_id"]?.string ?? start
    }
}

/// Events of one profile, newest first, page by page.
struct ProfileExport: Sendable {
    let client: APIClient
    let keyspace: String
    let key: String
    let section: String
    let query: [(String, String)]
    let format: ExportFormat
    let file: ExportFile
    let progress: TransferProgress

    func run() async throws -> String {
        var count = 0
        var cursor: String?
        var writer = JSONWriter()
        writer.append(headerOf: format)
        repeat {
            let page = try await client.call(
                .listEvents, ["keyspace": keyspace, "key": key, "section": section],
                query: query + [("limit", "\(Limits.pageSizeMax)")] + (cursor.map { [("cursor", $0)] } ?? []))
            for item in page["items"]?.array ?? [] {
                append(item, to: &writer)
                count += 1
            }
            try writer.bytes.withUnsafeBytes { try file.write($0) }
            writer.bytes.removeAll(keepingCapacity: true)
            progress.count(count)
            cursor = page["next_cursor"]?.string
        } while cursor != nil
        return "\(Figures.count(count, of: "event"))."
    }

    private func append(_ item: JSONValue, to writer: inout JSONWriter) {
        func time(_ name: String) -> Timestamp {
            item[name]?.string.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(milliseconds: 0)
        }
        let data = JSONWriter.write(item["data"] ?? .object([]))
        Array(key.utf8).withUnsafeBufferPointer { key in
            data.withUnsafeBufferPointer { data in
                writer.append(
                    ExportedEvent(
                        id: item["id"].flatMap(VersionID.parse) ?? 0, eventTime: time("event_time"),
                        receivedAt: time("received_at"), version: item["version_id"].flatMap(VersionID.parse) ?? 0,
                        section: Array(section.utf8), eventType: Array((item["discriminator"]?.string ?? "").utf8),
                        keyspace: Array(keyspace.utf8), key: key, data: data),
                    as: format)
            }
        }
    }
}
