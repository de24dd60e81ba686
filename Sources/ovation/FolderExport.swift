import Foundation
import OvationClient
import OvationCore
import OvationWire
import Synchronization

/// What decides what is in the files of a folder. All runs into one folder have the same.
struct ExportSettings: Codable, Sendable {
    /// Of the server: another one has other events with the same ids.
    var url: String
    /// As the summary of an export has it; nil until the server has said it.
    var account: String?
    var section: String
    var format: EventsCommand.Export.Format
    /// Discriminators; empty for all.
    var eventTypes: [String]
    var keepFormulas: Bool
    var bom: Bool
    var ignoreKeyspacePermissions: Bool

    enum CodingKeys: String, CodingKey {
        case url, account, section, format, bom
        case eventTypes = "event_types"
        case keepFormulas = "keep_formulas"
        case ignoreKeyspacePermissions = "ignore_keyspace_permissions"
    }

    /// - Throws: with the names of the settings that are others now.
    func check(against given: ExportSettings, in folder: String) throws {
        let pairs: [(name: String, before: String, now: String)] = [
            ("--url", url, given.url), ("--section", section, given.section),
            ("--format", format.rawValue, given.format.rawValue),
            (
                "--event-type", eventTypes.isEmpty ? "all" : eventTypes.joined(separator: ", "),
                given.eventTypes.isEmpty ? "all" : given.eventTypes.joined(separator: ", ")
            ),
            ("--keep-formulas", "\(keepFormulas)", "\(given.keepFormulas)"), ("--bom", "\(bom)", "\(given.bom)"),
            (
                "--ignore-keyspace-permissions", "\(ignoreKeyspacePermissions)", "\(given.ignoreKeyspacePermissions)"
            ),
        ]
        let others = pairs.filter { $0.before != $0.now }
        guard !others.isEmpty else { return }
        throw CommandFailure(
            "\(folder) was begun with other settings: "
                + others.map { "\($0.name) was \($0.before), and is \($0.now) now" }.joined(separator: "; ")
                + ". Give the same, or name another folder.")
    }
}

/// Adds to a folder what has come since the last run: for each range of ids one file, or in Parquet one for each event type.
struct FolderExport {
    let client: APIClient
    let folder: ExportFolder
    let settings: ExportSettings
    /// Ids in one file.
    let idsPerFile: Int64
    let progress: TransferProgress

    /// What became of one file.
    private struct Filled {
        /// nil where there is no event, and so no file.
        var entry: ExportFolder.Manifest.File?
        var leftOut: Int
    }

    /// - Returns: the line that says how it went.
    func run() async throws -> String {
        let newest = try await newestEvent()
        var (events, files, leftOut) = (0, 0, 0)
        while folder.doneThrough < newest {
            let through = folder.doneThrough + min(idsPerFile, newest - folder.doneThrough)
            var finished: [(file: FolderFile, entry: ExportFolder.Manifest.File)] = []
            var unread = 0
            for (name, types) in try await targets(through: through) {
                let file = try folder.begin(name)
                let filled = try await fill(file, types, through: through)
                unread += filled.leftOut
                guard let entry = filled.entry else { continue }
                finished.append((file, entry))
                events += entry.rows
                progress.count(events)
            }
            try folder.commit(finished, leftOut: unread, through: through)
            files += finished.count
            leftOut += unread
        }
        return Figures.count(events, of: "event") + " in " + Figures.count(files, of: "new file")
            + EventsCommand.Export.leftOut(leftOut) + ", up to event \(folder.doneThrough)."
    }

    /// The newest event of the server. No event is before it that is not there yet.
    private func newestEvent() async throws -> Int64 {
        let silent = FolderListener(file: nil, format: nil, progress: progress)
        let export = SectionExport(
            of: settings.section, query: [], format: .lines, after: String(repeating: "9", count: 18), through: client,
            observer: silent)
        let summary = try await run(export)
        guard let account = summary.account else { throw misunderstood }
        try folder.bind(toAccount: account)
        return Int64(summary.lastEventID) ?? 0
    }

    /// The files of one range, with the event types in each. They are asked for when the end of the range is known, so that
    /// the type of each event is among them.
    private func targets(through: Int64) async throws -> [(name: String, types: [String])] {
        func padded(_ id: Int64) -> String {
            let digits = String(id)
            return String(repeating: "0", count: max(0, 15 - digits.count)) + digits
        }
        let name = "\(padded(folder.doneThrough + 1))-\(padded(through)).\(settings.format.rawValue)"
        guard settings.format == .parquet else { return [(name, settings.eventTypes)] }
        return try await eventTypes().map { ("\($0)/\(name)", [$0]) }
    }

    /// Those that can have events, in order. The list has no drafts and no removed event types, and what is counted has them.
    private func eventTypes() async throws -> [String] {
        let listed = try await client.call(.listEventTypes, ["section": settings.section]).content.items
        let counted = try await client.call(.getUsage, ["section": settings.section]).content.items
        let all = Set(listed.map(\.discriminator) + counted.map(\.discriminator))
        let types = all.filter { settings.eventTypes.isEmpty || settings.eventTypes.contains($0) }.sorted()
        // They become names of folders.
        guard types.allSatisfy({ (try? Discriminator<EventType>($0)) != nil }) else {
            throw CommandFailure("The server answered with event types that have no valid discriminator.")
        }
        return types
    }

    private func fill(_ file: FolderFile, _ types: [String], through: Int64) async throws -> Filled {
        let after = folder.doneThrough
        var query = types.map { ("event_discriminators", $0) } + [("through", String(through))]
        if settings.ignoreKeyspacePermissions { query.append(("ignore_keyspace_permissions", "true")) }
        if settings.keepFormulas { query.append(("formulas", "keep")) }
        if settings.bom { query.append(("bom", "true")) }
        var filled: Filled
        do {
            filled =
                settings.format == .parquet
                ? try await fillTable(file, query, after: after, through: through)
                : try await fillLines(file, query, after: after, through: through)
            guard filled.entry?.rows ?? 0 > 0 else {
                folder.discard(file)
                filled.entry = nil
                return filled
            }
            try file.finish()
        } catch {
            folder.discard(file)
            throw error
        }
        return filled
    }

    private func fillLines(
        _ file: FolderFile, _ query: [QueryParameter], after: Int64, through: Int64
    ) async throws -> Filled {
        let format: SectionExport.Format = settings.format == .csv ? .csv : .lines
        let listener = FolderListener(file: file, format: settings.format, progress: progress)
        let export = SectionExport(
            of: settings.section, query: query, format: format, after: after == 0 ? nil : String(after),
            through: client, observer: listener)
        let summary = try await run(export)
        try check(summary, through: through)
        guard let ids = listener.found, Int(summary.events) == ids.count else { throw misunderstood }
        return filled(file, summary, first: ids.first, last: ids.last)
    }

    private func fillTable(
        _ file: FolderFile, _ query: [QueryParameter], after: Int64, through: Int64
    ) async throws -> Filled {
        let listener = FolderListener(file: file, format: nil, progress: progress)
        let export = TableExport(
            of: settings.section, query: query + (after == 0 ? [] : [("after", String(after))]), through: client,
            observer: listener)
        guard let table = try await tableOrAdvice(export) else { throw misunderstood }
        try check(table.summary, through: through)
        return filled(file, table.summary, first: table.first, last: table.last)
    }

    private func tableOrAdvice(_ export: TableExport) async throws -> TableExport.Result? {
        do {
            return try await export.run()
        } catch let failure as ClientFailure where failure.status == 400 {
            // Such as an event type with more fields than Parquet takes.
            throw CommandFailure(
                "\(failure.reason) To export the other event types, name each with --event-type, and another folder.")
        } catch ClientFailure.cutOff {
            throw CommandFailure("\(ClientFailure.cutOff.reason). Try again, or with a smaller --events-per-file.")
        }
    }

    /// What is known of a file is what the server says, and it knows of all events up to the end of the range.
    private func check(_ summary: Bodies.ExportSummary, through: Int64) throws {
        guard let last = Int64(summary.lastEventID), last <= through else { throw misunderstood }
        guard last == through else {
            throw CommandFailure("The newest event was deleted while the export ran. Run the command again.")
        }
    }

    private func filled(_ file: FolderFile, _ summary: Bodies.ExportSummary, first: Int64?, last: Int64?) -> Filled {
        Filled(
            entry: ExportFolder.Manifest.File(
                name: file.name, rows: Int(summary.events), bytes: file.bytes, firstEventID: String(first ?? 0),
                lastEventID: String(last ?? 0)),
            leftOut: Int(summary.leftOut))
    }

    /// A server that does not know 'through' leaves it out of what it does, and an older one does not say its account.
    private var misunderstood: CommandFailure {
        CommandFailure("The server does not know all that --into needs; its version is older than this command's.")
    }

    private func run(_ export: SectionExport) async throws -> Bodies.ExportSummary {
        do {
            return try await export.run()
        } catch let incomplete as IncompleteExport {
            throw incomplete.failure
        }
    }
}

/// Writes what comes into a file of a folder.
private final class FolderListener: ExportObserver, TableObserver {
    private let file: FolderFile?
    /// nil: what comes is no text.
    private let ids: Mutex<RecordIDs?>
    private let format: EventsCommand.Export.Format
    private let progress: TransferProgress

    init(file: FolderFile?, format: EventsCommand.Export.Format?, progress: TransferProgress) {
        self.file = file
        self.format = format ?? .parquet
        self.progress = progress
        ids = Mutex(format.map { RecordIDs($0 == .csv ? .csv : .lines) })
    }

    var found: RecordIDs? { ids.withLock { $0 } }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        if let file { try ExportFile.escaping(bytes, format, isTerminal: false) { try file.write($0) } }
        ids.withLock { $0?.take(bytes) }
    }

    func restart() throws -> Bool {
        try file?.restart()
        return true
    }

    func end(_ count: Int) throws -> [UInt8]? { try file?.end(count) }

    func progressed(lines: Int) {}

    func pauses(after failure: ClientFailure, seconds: Int) { progress.note(failure, seconds) }

    func goesOn() { progress.note("") }
}
