import Foundation
import OvationClient
import OvationCore
import OvationWire
import Synchronization

/// What decides what is in the files of a folder. All runs into one folder have the same.
struct ExportSettings: Codable, Sendable {
    /// Of the server: another one has other events with the same ids.
    var url: String
    var section: String
    var format: String
    /// Discriminators; empty for all.
    var eventTypes: [String]
    var keepFormulas: Bool
    var bom: Bool
    var ignoreKeyspacePermissions: Bool

    enum CodingKeys: String, CodingKey {
        case url, section, format, bom
        case eventTypes = "event_types"
        case keepFormulas = "keep_formulas"
        case ignoreKeyspacePermissions = "ignore_keyspace_permissions"
    }

    /// - Throws: with the names of the settings that are others now.
    func check(against given: ExportSettings, in folder: String) throws {
        let pairs: [(name: String, before: String, now: String)] = [
            ("--url", url, given.url), ("--section", section, given.section), ("--format", format, given.format),
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

    /// - Returns: the line that says how it went.
    func run() async throws -> String {
        let newest = try await newestEvent()
        var (events, files) = (0, 0)
        while folder.doneThrough < newest {
            let through = min(newest, folder.doneThrough + idsPerFile)
            var finished: [(file: FolderFile, entry: ExportFolder.Manifest.File)] = []
            for (name, types) in try await targets(through: through) {
                let file = try folder.begin(name)
                guard let entry = try await fill(file, types, through: through) else { continue }
                finished.append((file, entry))
                events += entry.rows
                progress.count(events)
            }
            try folder.commit(finished, through: through)
            files += finished.count
        }
        return
            "\(Figures.count(events, of: "event")) in \(Figures.count(files, of: "new file")), up to event \(folder.doneThrough)."
    }

    /// The newest event of the server. No event is before it that is not there yet.
    private func newestEvent() async throws -> Int64 {
        let silent = FolderListener(file: nil, format: nil, progress: progress)
        let export = SectionExport(
            of: settings.section, query: [], format: .lines, after: String(repeating: "9", count: 18), through: client,
            observer: silent)
        return Int64(try await run(export).lastEventID) ?? 0
    }

    /// The files of one range, with the event types in each. They are asked for when the end of the range is known, so that
    /// the type of each event is among them.
    private func targets(through: Int64) async throws -> [(name: String, types: [String])] {
        func padded(_ id: Int64) -> String {
            let digits = String(id)
            return String(repeating: "0", count: max(0, 15 - digits.count)) + digits
        }
        let name = "\(padded(folder.doneThrough + 1))-\(padded(through)).\(settings.format)"
        guard settings.format == "parquet" else { return [(name, settings.eventTypes)] }
        let all = try await client.call(.listEventTypes, ["section": settings.section]).content.items
        let types = all.map(\.discriminator).filter { settings.eventTypes.isEmpty || settings.eventTypes.contains($0) }
        return types.sorted().map { ("\($0)/\(name)", [$0]) }
    }

    /// - Returns: nil where there is no event, and so no file.
    private func fill(
        _ file: FolderFile, _ types: [String], through: Int64
    ) async throws -> ExportFolder.Manifest.File? {
        let after = folder.doneThrough
        var query = types.map { ("event_discriminators", $0) } + [("through", String(through))]
        if settings.ignoreKeyspacePermissions { query.append(("ignore_keyspace_permissions", "true")) }
        if settings.keepFormulas { query.append(("formulas", "keep")) }
        if settings.bom { query.append(("bom", "true")) }
        let entry: ExportFolder.Manifest.File
        do {
            entry =
                settings.format == "parquet"
                ? try await fillTable(file, query, after: after, through: through)
                : try await fillLines(file, query, after: after, through: through)
            guard entry.rows > 0 else {
                folder.discard(file)
                return nil
            }
            try file.finish()
        } catch {
            folder.discard(file)
            throw error
        }
        return entry
    }

    private func fillLines(
        _ file: FolderFile, _ query: [QueryParameter], after: Int64, through: Int64
    ) async throws -> ExportFolder.Manifest.File {
        let format: SectionExport.Format = settings.format == "csv" ? .csv : .lines
        let listener = FolderListener(file: file, format: format, progress: progress)
        let export = SectionExport(
            of: settings.section, query: query, format: format, after: after == 0 ? nil : String(after),
            through: client, observer: listener)
        let summary = try await run(export)
        guard let ids = listener.found, summary.lastEventID == String(through), Int(summary.events) == ids.count else {
            throw misunderstood
        }
        return entry(file, rows: ids.count, first: ids.first ?? 0, last: ids.last ?? 0)
    }

    private func fillTable(
        _ file: FolderFile, _ query: [QueryParameter], after: Int64, through: Int64
    ) async throws -> ExportFolder.Manifest.File {
        let listener = FolderListener(file: file, format: nil, progress: progress)
        let export = TableExport(
            of: settings.section, query: query + (after == 0 ? [] : [("after", String(after))]), through: client,
            observer: listener)
        guard let table = try await export.run(), table.summary.lastEventID == String(through) else {
            throw misunderstood
        }
        return entry(file, rows: Int(table.summary.events), first: table.first ?? 0, last: table.last ?? 0)
    }

    private func entry(_ file: FolderFile, rows: Int, first: Int64, last: Int64) -> ExportFolder.Manifest.File {
        ExportFolder.Manifest.File(
            name: file.name, rows: rows, bytes: file.bytes, firstEventID: String(first), lastEventID: String(last))
    }

    /// A server that does not know 'through' leaves it out of what it does.
    private var misunderstood: CommandFailure {
        CommandFailure("The server does not export up to an event; its version is older than this command's.")
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
    private let progress: TransferProgress

    init(file: FolderFile?, format: SectionExport.Format?, progress: TransferProgress) {
        self.file = file
        self.progress = progress
        ids = Mutex(format.map { RecordIDs($0) })
    }

    var found: RecordIDs? { ids.withLock { $0 } }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        try file?.write(bytes)
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
