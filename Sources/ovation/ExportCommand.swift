import ArgumentParser
import OvationClient
import OvationCore
import OvationWire
import SystemPackage

extension EventsCommand {
    struct Export: AsyncParsableCommand {
        enum Format: String, ExpressibleByArgument, CaseIterable { case ndjson, csv }

        static let configuration = CommandConfiguration(
            abstract: "Export all events of a section, or of one profile.",
            discussion: """
                All events come in the order of their arrival, as lines that 'ovation events import' takes, or as CSV. \
                With --changes, what was changed of the profiles stands among them; an import refuses these lines. \
                With a single --event-type, CSV has a column for each field. Those of one profile come newest first.

                Examples:
                  ovation events export -o history.ndjson
                  ovation events export --format csv --event-type com.apsis1.events.transaction.order -o orders.csv
                  ovation events export --from 2024-01-01T00:00:00Z --to 2025-01-01T00:00:00Z | gzip > 2024.ndjson.gz
                  ovation events export --keyspace com.apsis1.keyspaces.email --profile-key steve@apsis.com
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Section, by its discriminator or name.") var section = "com.apsis1.sections.default"
        @Option(help: "ndjson or csv.") var format = Format.ndjson
        @Option(help: "Only this event type, by its discriminator or name; repeatable.") var eventType: [String] = []
        @Option(help: "From this event time on, as 2020-10-14T09:43:34Z.") var from: String?
        @Option(help: "Up to this event time, not including it.") var to: String?
        @Option(help: "Only events that arrived after the one with this id.") var after: String?
        @Option(help: "With --profile-key: discriminator of its keyspace.") var keyspace = "com.apsis1.keyspaces.email"
        @Option(help: "Only events of the profile with this key.") var profileKey: String?
        @Flag(help: "In CSV: leave texts that a spreadsheet would calculate as they are.") var keepFormulas = false
        @Flag(help: "In CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.") var bom = false
        @Flag(help: "Also what was changed of the profiles; in ndjson, and not for an import.") var changes = false
        @Flag(help: "Also event types that may not be read through a profile's keyspace; for admin keys.")
        var ignoreKeyspacePermissions = false
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Option(name: .shortAndLong, help: "File to write. (default: standard output)") var output: String?

        func run() async throws {
            guard !bom || format == .csv else { throw CommandFailure("--bom is for --format csv.") }
            guard !changes || format == .ndjson else { throw CommandFailure("--changes is for --format ndjson.") }
            let client = try connection.client()
            let section = try await client.section(named: section)
            let types = try await client.eventTypes(named: eventType, in: section)
            let query = query(types)
            let file = try ExportFile(output, format)
            defer { file.discardIfEmpty() }
            let total =
                profileKey == nil && from == nil && to == nil && !changes
                ? try await count(client, section, types) : nil
            let progress = TransferProgress(total: total, unit: "events", isQuiet: quiet)
            let line: String
            if let profileKey {
                guard after == nil else { throw CommandFailure("--after has no meaning with --profile-key.") }
                let export = ProfileExport(
                    client: client, keyspace: keyspace, key: profileKey, section: section, query: query,
                    format: try await format(client, section, types), file: file, progress: progress)
                line = try await progress.whileShowing { try await export.run() }
            } else {
                let export = SectionExport(
                    of: section, query: query, format: format == .csv ? .csv : .lines, after: after, through: client,
                    observer: ExportListener(file: file, progress: progress))
                line = try await progress.whileShowing { try await Export.run(export) }
            }
            try file.finish()
            if !quiet { StandardError.write(line) }
        }

        private func query(_ types: [String]) -> [(String, String)] {
            var query = types.map { ("event_discriminators", $0) }
            if let from { query.append(("from", from)) }
            if let to { query.append(("to", to)) }
            if changes { query.append(("include", "changes")) }
            if ignoreKeyspacePermissions { query.append(("ignore_keyspace_permissions", "true")) }
            if bom, profileKey == nil { query.append(("bom", "true")) }
            if keepFormulas, profileKey == nil { query.append(("formulas", "keep")) }
            return query
        }

        /// - Returns: the line that says how it went.
        private static func run(_ export: SectionExport) async throws -> String {
            do {
                let summary = try await export.run()
                let leftOut = Int(summary.leftOut)
                return Figures.count(Int(summary.events), of: summary.changes == nil ? "event" : "line")
                    + (leftOut > 0 ? ", \(Figures.grouped(leftOut)) left out that this key may not read" : "")
                    + ", up to event \(summary.lastEventID)."
            } catch let incomplete as IncompleteExport {
                let goesOn = incomplete.lastEventID.map { " --after \($0) goes on from here." } ?? ""
                throw CommandFailure("\(incomplete.failure.reason); the export is not whole.\(goesOn)")
            }
        }

        /// How many events there are, for the progress; nil where nobody can say.
        private func count(_ client: APIClient, _ section: String, _ types: [String]) async throws -> Int? {
            guard !quiet, after == nil else { return nil }
            let usage = try await client.call(.getUsage, ["section": section]).content.items
            let wanted = usage.filter { types.isEmpty || types.contains($0.discriminator) }
            return wanted.reduce(0) { $0 + Int($1.eventCount) }
        }

        /// As the server would write it.
        private func format(_ client: APIClient, _ section: String, _ types: [String]) async throws -> ExportFormat {
            guard format == .csv else { return .ndjson }
            var fields: [String]?
            if types.count == 1 {
                let type = try await client.call(.getEventType, ["section": section, "event": types[0]])
                var names: [String] = []
                for version in type.versions {
                    for field in version.type.entries where !names.contains(field.name) { names.append(field.name) }
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

/// Writes an export, and shows how far it is.
struct ExportListener: ExportObserver {
    let file: ExportFile
    let progress: TransferProgress

    func write(_ bytes: UnsafeRawBufferPointer) throws { try file.write(bytes) }

    func progressed(lines: Int) {
        progress.count(lines)
        progress.advance(to: lines)
    }

    func pauses(after failure: ClientFailure, seconds: Int) { progress.note(failure, seconds) }

    func goesOn() { progress.note("") }
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
        var writer = JSONWriter()
        writer.append(headerOf: format)
        let pages = client.pages(
            .listEvents, ["keyspace": keyspace, "key": key, "section": section], query: query,
            by: Limits.pageSizeMax)
        for try await page in pages {
            for event in page.content.items { append(event, to: &writer) }
            count += page.content.items.count
            try writer.bytes.withUnsafeBytes { try file.write($0) }
            writer.bytes.removeAll(keepingCapacity: true)
            progress.count(count)
        }
        return "\(Figures.count(count, of: hasChanges ? "line" : "event"))."
    }

    private var hasChanges: Bool { query.contains { $0.0 == "include" } }

    private func append(_ event: Bodies.StoredEvent, to writer: inout JSONWriter) {
        guard event.versionID != nil else { return append(change: event, to: &writer) }
        let data = JSONWriter.write(event.data)
        Array(key.utf8).withUnsafeBufferPointer { key in
            data.withUnsafeBufferPointer { data in
                writer.append(
                    ExportedEvent(
                        id: VersionID.parse(event.id) ?? 0, eventTime: event.eventTime, receivedAt: event.receivedAt,
                        version: event.versionID.flatMap(VersionID.parse) ?? 0, section: Array(section.utf8),
                        eventType: Array(event.discriminator.utf8), keyspace: Array(keyspace.utf8), key: key,
                        data: data),
                    as: format)
            }
        }
    }

    /// As an export of a section has it.
    private func append(change event: Bodies.StoredEvent, to writer: inout JSONWriter) {
        var change = Bodies.ExportedChange()
        change.keyspace = keyspace
        change.profileKey = key
        change.eventTime = event.eventTime
        change.discriminator = event.discriminator
        change.eventID = event.id
        change.receivedAt = event.receivedAt
        if let data = try? Bodies.ProfileChangeData(received: event.data) { change.data = data }
        writer.append(change.json)
        writer.append(raw: "\n")
    }
}
