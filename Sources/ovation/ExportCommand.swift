import ArgumentParser
import OvationClient
import OvationCore
import OvationWire
import SystemPackage

extension EventsCommand {
    struct Export: AsyncParsableCommand {
        enum Format: String, ExpressibleByArgument, CaseIterable, Codable { case ndjson, csv, parquet }

        static let configuration = CommandConfiguration(
            abstract: "Export all events of a section, or of one profile.",
            discussion: """
                All events come in the order of their arrival, as lines that 'ovation events import' takes, or as CSV. \
                With --changes, what was changed of the profiles stands among them; an import refuses these lines. \
                With a single --event-type, CSV has a column for each field. A file of Parquet has the events of one \
                --event-type. Those of one profile come newest first.

                --into adds to a folder what has come since the last run, as new files, so that a nightly job exports each \
                event once. In Parquet each event type has a folder in it. It deletes what an interrupted run has left there.

                Examples:
                  ovation events export -o history.ndjson
                  ovation events export --format csv --event-type com.apsis1.events.transaction.order -o orders.csv
                  ovation events export --format parquet --event-type Order -o orders.parquet
                  ovation events export --format parquet --into warehouse
                  ovation events export --from 2024-01-01T00:00:00Z --to 2025-01-01T00:00:00Z | gzip > 2024.ndjson.gz
                  ovation events export --keyspace com.apsis1.keyspaces.email --profile-key steve@apsis.com
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Section, by its discriminator or name.") var section = "com.apsis1.sections.default"
        @Option(help: "ndjson, csv or parquet.") var format = Format.ndjson
        @Option(help: "Only this event type, by its discriminator or name; repeatable.") var eventType: [String] = []
        @Option(help: "From this event time on, as 2020-10-14T09:43:34Z.") var from: String?
        @Option(help: "Up to this event time, not including it.") var to: String?
        @Option(help: "Only events that arrived after the one with this id.") var after: String?
        @Option(help: "Only events up to the one with this id.") var through: String?
        @Option(help: "With --profile-key: discriminator of its keyspace.") var keyspace = "com.apsis1.keyspaces.email"
        @Option(help: "Only events of the profile with this key.") var profileKey: String?
        @Flag(help: "In CSV: leave texts that a spreadsheet would calculate as they are.") var keepFormulas = false
        @Flag(help: "In CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.") var bom = false
        @Flag(help: "Also what was changed of the profiles; in ndjson, and not for an import.") var changes = false
        @Flag(help: "Also event types that may not be read through a profile's keyspace; for admin keys.")
        var ignoreKeyspacePermissions = false
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Option(name: .shortAndLong, help: "File to write. (default: standard output)") var output: String?

        @Option(help: "Folder to which what has come since the last run is added; made where there is none.")
        var into: String?
        @Option(help: "With --into: a file has at most so many events. (default: 1000000)") var eventsPerFile: Int?

        func validate() throws {
            guard !bom || format == .csv else { throw ValidationError("--bom is for --format csv.") }
            guard !changes || format == .ndjson else { throw ValidationError("--changes is for --format ndjson.") }
            guard format != .parquet || profileKey == nil else {
                throw ValidationError("--format parquet is for all profiles; leave out --profile-key.")
            }
            guard !keepFormulas || format == .csv else { throw ValidationError("--keep-formulas is for --format csv.") }
            guard eventsPerFile == nil || into != nil else { throw ValidationError("--events-per-file is for --into.") }
            guard eventsPerFile ?? 1 > 0 else { throw ValidationError("--events-per-file is 1 or more.") }
            guard profileKey == nil || through == nil else {
                throw ValidationError("--through has no meaning with --profile-key.")
            }
            guard into != nil else { return }
            let others = [
                ("--output", output != nil), ("--profile-key", profileKey != nil), ("--changes", changes),
                ("--from", from != nil), ("--to", to != nil), ("--after", after != nil), ("--through", through != nil),
            ]
            for (name, isGiven) in others where isGiven { throw ValidationError("--into takes no \(name).") }
        }

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(named: section)
            let types = try await client.eventTypes(named: eventType, in: section)
            if let into { return try await export(into: into, client, section, types) }
            if format == .parquet { return try await exportTable(client, section, types) }
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
            if let through { query.append(("through", through)) }
            if changes { query.append(("include", "changes")) }
            if ignoreKeyspacePermissions { query.append(("ignore_keyspace_permissions", "true")) }
            if bom, profileKey == nil { query.append(("bom", "true")) }
            if keepFormulas, profileKey == nil { query.append(("formulas", "keep")) }
            return query
        }

        private func export(
            into path: String, _ client: APIClient, _ section: String, _ types: [String]
        ) async throws {
            let settings = ExportSettings(
                url: client.address, section: section, format: format, eventTypes: Set(types).sorted(),
                keepFormulas: keepFormulas, bom: bom, ignoreKeyspacePermissions: ignoreKeyspacePermissions)
            let folder = try ExportFolder(path, settings)
            let progress = TransferProgress(total: nil, unit: "events", isQuiet: quiet)
            let export = FolderExport(
                client: client, folder: folder, settings: settings, idsPerFile: Int64(eventsPerFile ?? 1_000_000),
                progress: progress)
            let line = try await progress.whileShowing { try await export.run() }
            if !quiet { StandardError.write(line) }
        }

        private func exportTable(_ client: APIClient, _ section: String, _ types: [String]) async throws {
            guard types.count == 1 else {
                throw CommandFailure(
                    "A file of Parquet has the events of one type: give one --event-type, or --into and a folder.")
            }
            let query = query(types) + (after.map { [("after", $0)] } ?? [])
            let table = try await TableListener.whileWriting(
                to: output, isQuiet: quiet, advice: " Try again, or export in parts with --after and --through."
            ) { listener in
                try await TableExport(of: section, query: query, through: client, observer: listener).run()
            }
            if !quiet, let table { StandardError.write(Export.line(table.summary)) }
        }

        private static func line(_ summary: Bodies.ExportSummary) -> String {
            return Figures.count(Int(summary.events), of: summary.changes == nil ? "event" : "line")
                + leftOut(Int(summary.leftOut)) + ", up to event \(summary.lastEventID)."
        }

        /// For the line that says how it went.
        static func leftOut(_ count: Int) -> String {
            count > 0 ? ", \(Figures.grouped(count)) left out that this key may not read" : ""
        }

        /// - Returns: the line that says how it went.
        private static func run(_ export: SectionExport) async throws -> String {
            do {
                return line(try await export.run())
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
        try ExportFile.escaping(bytes, format, isTerminal: file.isTerminal) { try file.write($0) }
    }

    /// NDJSON is the same value with its escapes, so it is escaped in files too: people look into them.
    /// - Parameter bytes: whole lines.
    static func escaping(
        _ bytes: UnsafeRawBufferPointer, _ format: EventsCommand.Export.Format, isTerminal: Bool,
        _ write: (UnsafeRawBufferPointer) throws -> Void
    ) throws {
        let escaped = format == .ndjson || isTerminal ? TerminalText.lines(bytes) : nil
        if let escaped { try escaped.withUnsafeBytes { try write($0) } } else { try write(bytes) }
    }

    func finish() throws { try file.finish() }

    func discardIfEmpty() { file.discardIfEmpty() }
}

/// Writes a file of Parquet, and shows how far it is.
struct TableListener: TableObserver {
    private let file: OutputFile
    private let progress: TransferProgress

    /// - Parameters:
    ///   - advice: a sentence for a file that broke off each time.
    ///   - export: writes the file.
    static func whileWriting<Value: Sendable>(
        to output: String?, isQuiet: Bool, advice: String = "",
        _ export: @escaping @Sendable (TableListener) async throws -> Value
    ) async throws -> Value {
        let file = try OutputFile(output)
        defer { file.discardIfEmpty() }
        guard !file.isTerminal else { throw CommandFailure("Parquet is no text; name a file with --output.") }
        let progress = TransferProgress(total: nil, unit: "bytes", isQuiet: isQuiet)
        let value = try await progress.whileShowing {
            do {
                return try await export(TableListener(file: file, progress: progress))
            } catch let failure as ClientFailure where failure.isPassing {
                throw CommandFailure("\(failure.reason); the file is not whole.\(advice)")
            }
        }
        try file.finish()
        return value
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try file.write(bytes)
        progress.count(adding: bytes.count)
    }

    func restart() throws -> Bool {
        try file.restart()
        if file.canRestart { progress.count(0) }
        return file.canRestart
    }

    func end(_ count: Int) throws -> [UInt8]? { try file.end(count) }

    func pauses(after failure: ClientFailure, seconds: Int) { progress.note(failure, seconds) }

    func goesOn() { progress.note("") }
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
