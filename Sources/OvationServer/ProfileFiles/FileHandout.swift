import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import ServiceLifecycle

/// Hands out the file that a job made. Who is in it is looked up again meanwhile, a part of the file at a time, so that nobody is
/// handed out who was deleted or locked since.
struct FileHandout: Sendable {
    let store: any JobStore & ProfileStore
    let files: JobFiles
    let exports: WorkSlots
    let clock: WallClock

    func respond(to call: Call) async throws -> Response {
        let job = try await store.job(call)
        guard job.kind.makesFile else { throw Problem.noJob }
        let file = try await file(of: job)
        let slot = try exports.take(for: call.caller().key)
        let isJSON = job.kind == .profileExport || job.kind == .singleExport
        var headers: HTTPFields = [
            .contentType: isJSON ? "application/json" : "text/csv;charset=UTF-8;header=present",
            .cacheControl: "no-store", .vary: "Accept-Encoding",
            .contentDisposition:
                "attachment; filename=\"\(job.kind.rawValue.replacing("_", with: "-"))-\(job.id.text).\(isJSON ? "json" : "csv")\"",
            // nginx would hold the stream back otherwise.
            HTTPField.Name("X-Accel-Buffering")!: "no",
        ]
        let isCompressed = call.request.takesGzip
        if isCompressed { headers[.contentEncoding] = "gzip" }
        let body = ResponseBody.stream(on: call.connection) { [store] output in
            let pieces = FilePieces(
                file, store: store, account: job.account, separator: isJSON ? [UInt8(ascii: ",")] : [],
                deflater: isCompressed ? Deflater() : nil)
            try await pieces.write(to: output)
            withExtendedLifetime(slot) {}
        }
        return Response(status: .ok, headers: headers, body: body)
    }

    private func file(of job: Job) async throws -> OpenFile {
        switch job.state {
        case .failed:
            throw Problem(
                .jobFailed, "The file could not be made. " + (job.failure?.detail ?? "") + " Ask for it again.")
        case .cancelled: throw Problem(.fileGone, "The job was cancelled, so there is no file.")
        case .completed:
            guard let until = job.fileExpiresAt, clock.now() < until else {
                throw Problem(.fileGone, "The file was there for a day, and is not any more; ask for it again.")
            }
        case .waitingForFile, .queued, .inProgress: break
        }
        let files = files
        return try await JobFiles.blocking {
            guard files.has(job.id, .result) else {
                guard job.state.isEnd else {
                    throw Problem(.fileNotReady, "The file is not there yet; ask again.", retryAfterSeconds: 1)
                }
                throw Problem(.storeUnavailable, "The file lies with another server of this store; ask that one.")
            }
            do {
                return try OpenFile(try files.path(job.id, .result), JobFiles.reading)
            } catch let failure as FileFailure {
                throw failure.problem
            }
        }
    }
}

/// The parts of a file as they are sent: without profiles that are gone, and compressed where that was asked for.
private struct FilePieces {
    private var reader: ResultReader
    private let store: any ProfileStore
    private let account: Int64
    /// Stands between two profiles.
    private let separator: [UInt8]
    private let deflater: Deflater?
    private var hasProfile = false
    /// Whether the profile whose parts are being sent is there. It is whole or not there at all.
    private var isOpen = false
    /// Whether all those are there whose data the next profile has.
    private var areMembersOpen = true

    init(_ file: OpenFile, store: any ProfileStore, account: Int64, separator: [UInt8], deflater: Deflater?) {
        reader = ResultReader(file)
        self.store = store
        self.account = account
        self.separator = separator
        self.deflater = deflater
    }

    private mutating func bytes(of parts: [ResultPart], _ open: Set<ProfileID>) -> [UInt8] {
        var bytes: [UInt8] = []
        for part in parts {
            switch part.kind {
            case .frame: bytes += part.bytes
            case .member: areMembersOpen = areMembersOpen && open.contains(part.profile)
            case .beginning:
                isOpen = areMembersOpen && open.contains(part.profile)
                areMembersOpen = true
                guard isOpen else { continue }
                if hasProfile { bytes += separator }
                hasProfile = true
                bytes += part.bytes
            case .continuation: if isOpen { bytes += part.bytes }
            }
        }
        return bytes
    }

    /// - Throws: when it cannot continue; the reader sees that the answer is cut off.
    func write(to output: StreamOutput) async throws {
        var pieces = self
        while true {
            if Task.isShuttingDownGracefully { throw StreamEnd.serverStopping }
            let (parts, reader) = try await JobFiles.blocking { [reader = pieces.reader] in
                var reader = reader
                return (try reader.next(), reader)
            }
            pieces.reader = reader
            let isLast = parts.isEmpty
            let ids = Set(parts.filter { $0.kind == .beginning || $0.kind == .member }.map(\.profile))
            let open = ids.isEmpty ? [] : try await store.openProfiles(among: Array(ids), account: account)
            var bytes = pieces.bytes(of: parts, open)
            if let deflater {
                bytes = try await JobFiles.blocking { [bytes] in try deflater.compress(bytes, isLast: isLast) }
            }
            if !bytes.isEmpty { try await output.write(ByteBuffer(bytes: bytes)) }
            if isLast { return }
        }
    }
}

extension Request {
    /// Whether the client takes an answer that is compressed by gzip (RFC 9110 §12.5.3).
    fileprivate var takesGzip: Bool {
        let codings = headers[values: .acceptEncoding].flatMap { $0.split(separator: ",") }.map {
            $0.split(separator: ";").map { $0.filter { !$0.isWhitespace }.lowercased() }
        }
        func weight(of coding: String) -> Bool? {
            guard let found = codings.first(where: { $0.first == coding }) else { return nil }
            let quality = found.dropFirst().first { $0.hasPrefix("q=") }?.dropFirst(2)
            return quality.map { (Double($0) ?? 0) > 0 } ?? true
        }
        return weight(of: "gzip") ?? weight(of: "*") ?? false
    }
}
