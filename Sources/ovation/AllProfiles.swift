import ArgumentParser
import Dispatch
import Foundation
import OvationClient
import OvationCore
import OvationWire
import Synchronization

/// `ovation profiles export` without a key.
struct AllProfiles: ParsableArguments {
    @Option(help: "Section, by its discriminator or name. (default: com.apsis1.sections.default)") var section: String?
    @Option(help: "ndjson, csv or parquet.") var format = EventsCommand.Export.Format.ndjson
    @Option(help: "Only what comes behind the line with this cursor.") var after: String?
    @Flag(help: "In ndjson: also when each value and tag was set.") var setAt = false
    @Flag(help: "In CSV: leave texts that a spreadsheet would calculate as they are.") var keepFormulas = false
    @Flag(help: "In CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.") var bom = false
    @Flag(help: "Also what may not be read through a keyspace; for admin keys.") var ignoreKeyspacePermissions = false

    /// One of the options that were given; nil: there is none.
    var given: String? {
        let given: [(Bool, String)] = [
            (section != nil, "--section"), (format != .ndjson, "--format"), (after != nil, "--after"),
            (setAt, "--set-at"), (keepFormulas, "--keep-formulas"), (bom, "--bom"),
            (ignoreKeyspacePermissions, "--ignore-keyspace-permissions"),
        ]
        return given.first(where: \.0)?.1
    }

    func check() throws {
        guard format != .parquet || after == nil else {
            throw ValidationError("--after is for the lines of an export; one as Parquet begins anew.")
        }
        guard !bom && !keepFormulas || format == .csv else {
            throw ValidationError("--bom and --keep-formulas are for --format csv.")
        }
        guard !setAt || format == .ndjson else { throw ValidationError("--set-at is for --format ndjson.") }
    }

    func export(_ client: APIClient, to output: String?, isQuiet: Bool) async throws {
        let section = try await client.section(named: section ?? "com.apsis1.sections.default")
        if format == .parquet { return try await exportTable(client, section, to: output, isQuiet: isQuiet) }
        let file = try ExportFile(output, format)
        defer { file.discardIfEmpty() }
        // Nobody knows how many there are: a profile has no place in a list.
        let progress = TransferProgress(total: nil, unit: "profiles", isQuiet: isQuiet)
        let listener = ProfilesListener(file: file, progress: progress, after: format == .csv ? nil : after)
        let export = ProfilesExport(
            of: section, query: query, format: format == .csv ? .csv : .lines, after: after, through: client,
            observer: listener)
        let line = try await listener.sayingWhereItStopped {
            try await progress.whileShowing { try await AllProfiles.run(export) }
        }
        try file.finish()
        if !isQuiet { StandardError.write(line) }
    }

    private func exportTable(
        _ client: APIClient, _ section: String, to output: String?, isQuiet: Bool
    ) async throws {
        let summary = try await TableListener.whileWriting(to: output, isQuiet: isQuiet) { listener in
            try await TableExport(of: section, query: query, through: client, observer: listener).runProfiles()
        }
        if !isQuiet, let summary { StandardError.write(AllProfiles.line(summary)) }
    }

    private static func line(_ summary: Bodies.ProfileExportSummary) -> String {
        let leftOut = Int(summary.leftOut)
        return Figures.count(Int(summary.profiles), of: "profile")
            + (leftOut > 0 ? ", \(Figures.grouped(leftOut)) left out that this key may not read" : "") + "."
    }

    private var query: [(String, String)] {
        let flags = [
            (setAt, "set_at", "true"), (keepFormulas, "formulas", "keep"), (bom, "bom", "true"),
            (ignoreKeyspacePermissions, "ignore_keyspace_permissions", "true"),
        ]
        return flags.filter(\.0).map { ($0.1, $0.2) }
    }

    /// - Returns: the line that says how it went.
    private static func run(_ export: ProfilesExport) async throws -> String {
        do {
            return line(try await export.run())
        } catch let incomplete as IncompleteProfilesExport {
            throw CommandFailure(
                "\(incomplete.failure.reason); the export is not whole." + AllProfiles.goingOn(incomplete.cursor))
        }
    }

    fileprivate static func goingOn(_ cursor: String?) -> String {
        cursor.map { " --after \($0) goes on from here." } ?? ""
    }
}

/// Writes an export of profiles, shows how far it is, and knows where it can go on.
private final class ProfilesListener: ExportObserver {
    private let file: ExportFile
    private let progress: TransferProgress
    private let start: String?
    /// The last line that was written.
    private let lastLine = Mutex<[UInt8]>([])

    /// - Parameter after: where the export begins; nil: at the beginning, or nobody can go on in it.
    init(file: ExportFile, progress: TransferProgress, after: String?) {
        self.file = file
        self.progress = progress
        start = after
    }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        // Who interrupts waits until the lines are written whole.
        try lastLine.withLock { lastLine in
            try file.write(bytes)
            let lines = bytes.dropLast()
            lastLine = Array(lines.suffix(from: lines.lastIndex(of: 10).map { $0 + 1 } ?? lines.startIndex))
        }
    }

    func progressed(lines: Int) {
        progress.count(lines)
        progress.advance(to: lines)
    }

    func pauses(after failure: ClientFailure, seconds: Int) { progress.note(failure, seconds) }

    func goesOn() { progress.note("") }

    /// Runs some work. If it is interrupted meanwhile (Ctrl-C), the process says how to go on, and ends as such a one does.
    func sayingWhereItStopped<Value>(_ work: () async throws -> Value) async throws -> Value {
        signal(SIGINT, SIG_IGN)
        let source = DispatchSource.makeSignalSource(signal: SIGINT)
        source.setEventHandler { [self] in
            lastLine.withLock { line in
                let cursor = ProfilesExport.cursor(ofLine: line) ?? start
                StandardError.writeLine("Stopped; the export is not whole." + AllProfiles.goingOn(cursor))
                endAsInterrupted()
            }
        }
        source.resume()
        defer {
            source.cancel()
            signal(SIGINT, SIG_DFL)
        }
        return try await work()
    }

    /// Ends the process as Ctrl-C does, so that a shell sees the signal. A queue's thread blocks signals: a signal to the
    /// whole process would go to another thread, and end it at some later moment.
    private func endAsInterrupted() -> Never {
        signal(SIGINT, SIG_DFL)
        var signals = sigset_t()
        sigemptyset(&signals)
        sigaddset(&signals, SIGINT)
        pthread_sigmask(SIG_UNBLOCK, &signals, nil)
        raise(SIGINT)
        _exit(130)
    }
}
