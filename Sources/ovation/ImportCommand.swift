import ArgumentParser
import Crypto
import Foundation
import OvationClient
import OvationCore
import OvationWire
import Synchronization
import SystemPackage

extension EventsCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Import a file of events of any number of profiles.",
            discussion: """
                The file has a JSON object a line, as 'ovation events export' writes them, with these members:

                  keyspace     "com.apsis1.keyspaces.email"
                  profile_key  "steve@apsis.com"
                  event_time   "2020-10-14T09:43:34Z"
                  version_id   2565266
                  data         {"amount": 12}

                Lines that are refused are reported with their numbers, and the others are stored; the command then \
                ends with 1.

                To go on after a break run the same command again within a day: what is stored already is skipped. The \
                file is known by its name and its first line, or by --idempotency-key. Lines that were refused and put \
                right go into a file of their own.

                Examples:
                  ovation events import history.ndjson
                  ovation events import --validate-only history.ndjson
                  ovation events import --errors refused.ndjson history.ndjson
                  zcat history.ndjson.gz | ovation events import --idempotency-key history-1 -
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Section, by its discriminator or name.") var section = "com.apsis1.sections.default"
        @Option(help: "Names the file, so that a second run skips what is stored. (default: made from the file)")
        var idempotencyKey: String?
        @Option(help: "Write why lines were refused to this file, a JSON object for each.") var errors: String?
        @Flag(help: "End at the first bad line.") var strict = false
        @Flag(help: "Check everything and store nothing.") var validateOnly = false
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Argument(help: "File of JSON lines, or - for standard input.") var file: String

        func run() async throws {
            var source = try ImportSource(file)
            let client = try connection.client()
            let section = try await client.section(named: section)
            let progress = TransferProgress(total: source.size, unit: "lines", isQuiet: quiet)
            source.onRead = { progress.advance(to: $0) }
            let listener = ImportListener(
                progress: progress, errors: try errors.map { try ErrorFile($0, of: source) })
            let upload = BulkUpload(
                source, to: section, key: try idempotencyKey ?? source.makeKey(section: section),
                preferences: (strict ? ["handling=strict"] : []) + (validateOnly ? ["validate-only"] : []),
                through: client, observer: listener)
            do {
                _ = try await progress.whileShowing { try await upload.run() }
            } catch {
                // What is known of the lines before the break stays.
                try? listener.errors?.finish()
                guard let failure = error as? ClientFailure, failure.isPassing else { throw error }
                throw CommandFailure(
                    Import.words(
                        failure, listener.furthest, hasKey: upload.key != nil, canGoOn: upload.canGoOn))
            }
            try listener.errors?.finish()
            let result = listener.result
            for line in result.firstErrors where errors == nil { StandardError.writeLine(line) }
            if errors == nil, result.errorCount > result.firstErrors.count {
                StandardError.write(
                    "and \(Figures.grouped(result.errorCount - result.firstErrors.count)) more; --errors FILE has them."
                )
            }
            try Output.print(result.summary(isCheck: validateOnly))
            if result.refused > 0 { throw ExitCode.failure }
        }

        /// What a break that was not mended means: how far the upload came, and whether the command can be repeated.
        private static func words(_ failure: ClientFailure, _ lines: Int, hasKey: Bool, canGoOn: Bool) -> String {
            let done = "\(failure.reason). The first \(Figures.grouped(lines)) lines are done"
            if canGoOn { return done + "; run the same command again to go on." }
            return done + (hasKey ? "; run the command again with the same input to go on." : ".")
        }
    }
}

/// What is brought in, from its beginning as often as needed.
struct ImportSource: UploadSource {
    private final class Position: Sendable { let bytes = Atomic(0) }

    let descriptor: SystemPackage.FileDescriptor
    /// nil where it is not known, as of a pipe.
    let size: Int?
    /// Told how many bytes have been read.
    var onRead: @Sendable (Int) -> Void = { _ in }
    private let name: String
    private let position = Position()

    init(_ path: String) throws {
        guard path != "-" else {
            (descriptor, size, name) = (.standardInput, nil, "-")
            return
        }
        do {
            descriptor = try SystemPackage.FileDescriptor.open(FilePath(path), .readOnly)
        } catch {
            throw CommandFailure("\(path) cannot be read: \(error).")
        }
        var status = stat()
        guard fstat(descriptor.rawValue, &status) == 0, status.st_mode & S_IFMT != S_IFDIR else {
            throw CommandFailure("\(path) is a folder, and no file.")
        }
        name = FilePath(path).lastComponent?.string ?? path
        // A pipe has no end to go to.
        size = (try? descriptor.seek(offset: 0, from: .end)).map { Int($0) }
        _ = try? descriptor.seek(offset: 0, from: .start)
    }

    var canRewind: Bool { size != nil }

    func rewind() throws {
        try descriptor.seek(offset: 0, from: .start)
        position.bytes.store(0, ordering: .relaxed)
    }

    /// From what stays when a file is put right or grows: so that bringing it in again never stores its lines twice,
    /// but is refused where it differs. nil for a pipe.
    func makeKey(section: String) throws -> String? {
        guard canRewind else { return nil }
        let beginning = try [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
            count = try descriptor.read(fromAbsoluteOffset: 0, into: UnsafeMutableRawBufferPointer(buffer))
        }
        let line = beginning.prefix { $0 != UInt8(ascii: "\n") && $0 != UInt8(ascii: "\r") }
        var hash = SHA256()
        hash.update(data: Array("\(section)\n\(name)\n".utf8))
        hash.update(data: line)
        return "import-" + Hexadecimal.text(of: hash.finalize().prefix(16))
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> UploadPart {
        // A file has what comes next, or its end.
        var state = pollfd(fd: descriptor.rawValue, events: Int16(POLLIN), revents: 0)
        if size == nil, poll(&state, 1, 0) == 0 { return .later(descriptor.rawValue) }
        let count = try descriptor.read(into: buffer)
        guard count > 0 else { return .end }
        onRead(position.bytes.add(count, ordering: .relaxed).newValue)
        return .bytes(count)
    }
}

/// Where refused lines are reported.
struct ErrorFile: Sendable {
    private let file: OutputFile

    init(_ path: String, of source: ImportSource) throws {
        file = try OutputFile(path, notReading: source.descriptor)
    }

    func write(_ errors: [Bodies.ItemError]) throws {
        for error in errors {
            let line = TerminalText.json(JSONWriter.write(error.json)) + "\n"
            try Array(line.utf8).withUnsafeBytes { try file.write($0) }
        }
    }

    /// An upload that begins anew reports its errors anew.
    func empty() throws { try file.restart() }

    func finish() throws { try file.finish() }
}

/// What became of an import.
struct ImportResult: Sendable {
    static let errorsShown = 10

    var lines = 0
    var stored = 0
    var duplicates = 0
    var refused = 0
    var errorCount = 0
    var firstErrors: [String] = []

    mutating func take(_ progress: Bodies.BulkProgress) {
        lines = Int(progress.counts.lines)
        stored = Int(progress.counts.stored)
        duplicates = Int(progress.counts.duplicates)
        refused = Int(progress.counts.refused)
        let errors = progress.errors ?? []
        errorCount += errors.count + Int(progress.errorsOmitted ?? 0)
        for error in errors.prefix(ImportResult.errorsShown - firstErrors.count) {
            let place = "line \(error.line ?? 0)" + (error.pointer.isEmpty ? "" : " " + error.pointer)
            firstErrors.append("\(place): \(error.detail)")
        }
    }

    func summary(isCheck: Bool) -> String {
        if isCheck { return "\(Figures.count(lines, of: "line")) checked: \(Figures.grouped(refused)) refused." }
        let before = duplicates > 0 ? ", \(Figures.grouped(duplicates)) stored before" : ""
        return "\(Figures.count(lines, of: "line")): \(Figures.grouped(stored)) stored\(before), "
            + "\(Figures.grouped(refused)) refused."
    }
}

/// Keeps what the server tells of an import, and shows it.
final class ImportListener: UploadObserver {
    let errors: ErrorFile?
    private let progress: TransferProgress
    private let state = Mutex((result: ImportResult(), furthest: 0))

    init(progress: TransferProgress, errors: ErrorFile?) {
        self.progress = progress
        self.errors = errors
    }

    var result: ImportResult { state.withLock { $0.result } }

    /// The most lines that any attempt came to.
    var furthest: Int { state.withLock { $0.furthest } }

    func progressed(_ record: Bodies.BulkProgress) throws {
        let result = state.withLock { state in
            state.result.take(record)
            state.furthest = max(state.furthest, state.result.lines)
            return state.result
        }
        try errors?.write(record.errors ?? [])
        progress.count(result.lines, skipped: result.duplicates)
    }

    func restarts() throws {
        state.withLock { $0.result = ImportResult() }
        try errors?.empty()
    }

    func pauses(after failure: ClientFailure, seconds: Int) { progress.note(failure, seconds) }

    func goesOn() { progress.note("") }
}
