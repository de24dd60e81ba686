import ArgumentParser
import AsyncHTTPClient
import Crypto
import Foundation
import NIOCore
import OvationCore
import OvationWire
import Synchronization
import SystemPackage

extension EventsCommand {
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bring in a file of events of any number of profiles.",
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
        @Option(help: "Discriminator of the section.") var section = "com.apsis1.sections.default"
        @Option(help: "Names the file, so that a second run skips what is stored. (default: made from the file)")
        var idempotencyKey: String?
        @Option(help: "Write why lines were refused to this file, a JSON object for each.") var errors: String?
        @Flag(help: "End at the first bad line.") var strict = false
        @Flag(help: "Check everything and store nothing.") var validateOnly = false
        @Flag(name: .shortAndLong, help: "Show no progress.") var quiet = false
        @Argument(help: "File of JSON lines, or - for standard input.") var file: String

        func run() async throws {
            let source = try ImportSource(file)
            let client = try connection.client()
            let progress = TransferProgress(total: source.size, unit: "lines", isQuiet: quiet)
            let upload = ImportUpload(
                client: client, section: section, key: try idempotencyKey ?? source.makeKey(section: section),
                preferences: (strict ? ["handling=strict"] : []) + (validateOnly ? ["validate-only"] : []),
                source: source, progress: progress, errors: try errors.map { try ErrorFile($0, of: source) })
            let result: ImportResult
            do {
                result = try await progress.whileShowing { try await upload.run() }
            } catch {
                // What is known of the lines before the break stays.
                try? upload.errors?.finish()
                throw error
            }
            try upload.errors?.finish()
            for line in result.firstErrors where errors == nil { StandardError.writeLine(line) }
            if errors == nil, result.errorCount > result.firstErrors.count {
                StandardError.write(
                    "and \(Figures.grouped(result.errorCount - result.firstErrors.count)) more; --errors FILE has them."
                )
            }
            try Output.print(result.summary(isCheck: validateOnly))
            if result.refused > 0 { throw ExitCode.failure }
        }
    }
}

/// What is brought in, from its beginning as often as needed.
struct ImportSource: Sendable {
    let descriptor: SystemPackage.FileDescriptor
    /// nil where it is not known, as of a pipe.
    let size: Int?
    private let name: String

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
        name = FilePath(path).lastComponent?.string ?? path
        // A pipe has no end to go to.
        size = (try? descriptor.seek(offset: 0, from: .end)).map { Int($0) }
        _ = try? descriptor.seek(offset: 0, from: .start)
    }

    var canRewind: Bool { size != nil }

    func rewind() throws {
        try descriptor.seek(offset: 0, from: .start)
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

    /// Read while it is sent.
    func parts(_ onRead: @escaping @Sendable (Int) -> Void) -> FileParts {
        FileParts(descriptor: descriptor, onRead: onRead)
    }
}

struct FileParts: AsyncSequence, Sendable {
    let descriptor: SystemPackage.FileDescriptor
    /// Told how many bytes have been read.
    let onRead: @Sendable (Int) -> Void

    struct AsyncIterator: AsyncIteratorProtocol {
        let parts: FileParts
        var done = 0

        mutating func next() async throws -> ByteBuffer? {
            var buffer = ByteBufferAllocator().buffer(capacity: 256 * 1024)
            let count = try buffer.writeWithUnsafeMutableBytes(minimumWritableBytes: 256 * 1024) {
                try parts.descriptor.read(into: $0)
            }
            guard count > 0 else { return nil }
            done += count
            parts.onRead(done)
            return buffer
        }
    }

    func makeAsyncIterator() -> AsyncIterator { AsyncIterator(parts: self) }
}

/// Where refused lines are reported.
struct ErrorFile: Sendable {
    private let file: OutputFile

    init(_ path: String, of source: ImportSource) throws {
        file = try OutputFile(path, notReading: source.descriptor)
    }

    func write(_ errors: [JSONValue]) throws {
        for error in errors {
            let line = TerminalText.json(JSONWriter.write(error)) + "\n"
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

    mutating func take(_ record: JSONValue) {
        lines = record["lines"]?.int ?? lines
        stored = record["stored"]?.int ?? stored
        duplicates = record["duplicates"]?.int ?? duplicates
        refused = record["refused"]?.int ?? refused
        let errors = record["errors"]?.array ?? []
        errorCount += errors.count + (record["errors_omitted"]?.int ?? 0)
        for error in errors.prefix(ImportResult.errorsShown - firstErrors.count) {
            let place = "line \(error["line"]?.int ?? 0)\(error["pointer"]?.string.map { " " + $0 } ?? "")"
            firstErrors.append("\(place): \(error["detail"]?.string ?? "")")
        }
    }

    func summary(isCheck: Bool) -> String {
        if isCheck { return "\(Figures.count(lines, of: "line")) checked: \(Figures.grouped(refused)) refused." }
        let before = duplicates > 0 ? ", \(Figures.grouped(duplicates)) stored before" : ""
        return "\(Figures.count(lines, of: "line")): \(Figures.grouped(stored)) stored\(before), "
            + "\(Figures.grouped(refused)) refused."
    }
}

/// Sends a file and reads what the server tells of it meanwhile; after a break it begins anew under the same key.
struct ImportUpload: Sendable {
    let client: APIClient
    let section: String
    let key: String?
    let preferences: [String]
    let source: ImportSource
    let progress: TransferProgress
    let errors: ErrorFile?

    func run() async throws -> ImportResult {
        var patience = Patience()
        let furthest = Mutex(0)
        while true {
            do {
                return try await attempt { lines in furthest.withLock { $0 = max($0, lines) } }
            } catch let interruption as Interruption {
                let lines = furthest.withLock { $0 }
                guard source.canRewind, key != nil else {
                    throw CommandFailure(
                        "\(interruption.reason). The first \(Figures.grouped(lines)) lines are done"
                            + (key == nil ? "." : "; run the command again with the same input to go on."))
                }
                do {
                    try await patience.wait(after: interruption, progress: lines, progress)
                } catch let interruption as Interruption {
                    throw CommandFailure(
                        "\(interruption.reason). The first \(Figures.grouped(lines)) lines are done; run the same command "
                            + "again to go on.")
                }
                try source.rewind()
                try errors?.empty()
            }
        }
    }

    private func attempt(_ onProgress: @escaping @Sendable (Int) -> Void) async throws -> ImportResult {
        var headers = [("content-type", "application/x-ndjson"), ("accept", "application/x-ndjson")]
        if let key { headers.append(("idempotency-key", key)) }
        if !preferences.isEmpty { headers.append(("prefer", preferences.joined(separator: ", "))) }
        let progress = progress
        let parts = source.parts { progress.advance(to: $0) }
        let length = source.size.map { HTTPClientRequest.Body.Length.known(Int64($0)) } ?? .unknown
        return try await client.stream(
            .loadEvents, ["section": section], headers: headers, body: .stream(parts, length: length)
        ) { body in
            var result = ImportResult()
            var isDone = false
            try await body.forEachLine { line in
                let record = try JSONValue(parsing: line)
                if let problem = record["problem"] { throw APIClient.failure(of: problem) }
                result.take(record)
                try errors?.write(record["errors"]?.array ?? [])
                progress.count(result.lines, skipped: result.duplicates)
                onProgress(result.lines)
                isDone = record["done"] != nil
            }
            guard isDone else { throw Interruption(reason: "the answer broke off") }
            return result
        }
    }
}
