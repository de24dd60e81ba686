import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import Synchronization

/// `POST /audience/imports/{import_id}/file`: takes the file of an import, once. What the form has before the file lets it in;
/// there is no token.
struct UploadImportFile: EndpointHandler {
    let imports: Imports
    let clock: WallClock
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let id = try call.path.jobID("import_id")
        let bytesMax = limits.importFileBytesMax + Limits.uploadFormBytesMax
        if let length = call.request.headers[.contentLength].flatMap({ Int($0) }), length > bytesMax { throw tooLarge }
        var reader = try MultipartReader(contentType: call.request.headers[.contentType])
        let coding = try call.request.contentCoding()
        var upload = Upload(received: 0, size: 0)
        var sent = 0
        defer { call.connection?.tell(.uploadEnded) }
        do {
            try await call.request.forEachPart(of: coding) { part in
                // A body can inflate to nothing for ever.
                sent += part.readableBytes
                if sent > bytesMax { throw tooLarge }
            } take: { piece in
                upload.received += piece.readableBytes
                if upload.received > bytesMax { throw tooLarge }
                for part in try reader.read(piece.readableBytesView) {
                    try await take(part, id, &upload, call.connection)
                }
            }
            guard reader.isComplete, let part = upload.file else {
                throw Problem(.invalidFile, "The upload has no file, or ended before it did.")
            }
            try await write(&upload)
            try await keep(part, upload.size, id)
        } catch {
            if let file = upload.file { try? await JobFiles.blocking { JobFiles.unlink(file) } }
            imports.files.underWay.end(upload.place)
            throw (error as? FileFailure)?.problem ?? error
        }
        imports.files.underWay.end(upload.place)
        return .noContent()
    }

    private var tooLarge: Problem {
        Problem(.bodyTooLarge, "The file of an import has at most \(limits.importFileBytesMax) bytes.")
    }

    /// One upload, as far as it has come.
    private struct Upload {
        var received: Int
        var key: String?
        var file: OpenFile?
        var size: Int64
        var waiting: [UInt8] = []
        var place: JobID?
    }

    private func take(
        _ part: MultipartReader.Part, _ id: JobID, _ upload: inout Upload, _ connection: Connection?
    ) async throws {
        switch part {
        case .field("upload_key", let value): upload.key = value
        case .field, .fileEnds: break
        case .fileBegins:
            _ = try await find(id, key: upload.key)
            guard imports.files.underWay.begin(id) else {
                throw Problem(.uploadExpired, "The file of this import is being uploaded already.")
            }
            upload.place = id
            // From here on a body may take its time.
            connection?.tell(.uploadBegan)
            let files = imports.files
            upload.file = try await JobFiles.blocking { try files.makePart(id) }
        case .file(let bytes):
            upload.waiting += bytes
            guard upload.size + Int64(upload.waiting.count) <= limits.importFileBytesMax else { throw tooLarge }
            if upload.waiting.count >= Limits.importPieceBytes { try await write(&upload) }
        }
    }

    private func write(_ upload: inout Upload) async throws {
        guard let file = upload.file, !upload.waiting.isEmpty else { return }
        let bytes = upload.waiting
        upload.waiting = []
        let offset = upload.size
        try await JobFiles.blocking { try file.write(bytes, at: offset) }
        upload.size += Int64(bytes.count)
    }

    /// An import that waits for its file. Without its key it is not told of.
    private func find(_ id: JobID, key: String?) async throws -> Job {
        var found: Job?
        for account in imports.directory.accounts where found == nil {
            found = try await imports.store.job(id, account: account.catalogue.account.number)
        }
        guard let found, let key, found.uploadHash.isSame(as: Imports.hash(key)) else { throw Problem.noJob }
        guard found.state == .waitingForFile, clock.now() < found.expiresAt else { throw UploadImportFile.expired }
        return found
    }

    private static let expired = Problem(
        .uploadExpired, "The file came already, or it comes too late; ask for a new import.")

    private func keep(_ part: OpenFile, _ size: Int64, _ id: JobID) async throws {
        var job: Job?
        for account in imports.directory.accounts where job == nil {
            job = try await imports.store.job(id, account: account.catalogue.account.number)
        }
        guard let job, let queued = job.received(bytes: size, at: clock.now()) else { throw UploadImportFile.expired }
        let files = imports.files
        // The file first: a job that is queued has it.
        try await JobFiles.blocking { try files.keep(part, as: id) }
        guard try await imports.store.save(queued) != nil else { throw UploadImportFile.expired }
        imports.wake.send()
    }
}

extension [UInt8] {
    /// In a time that does not tell where they differ.
    fileprivate func isSame(as other: [UInt8]) -> Bool {
        count == other.count && zip(self, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }
}

/// One upload of a file at a time.
final class UploadsUnderWay: Sendable {
    private let ids = Mutex<Set<JobID>>([])

    /// false: there is one.
    func begin(_ id: JobID) -> Bool { ids.withLock { $0.insert(id).inserted } }

    func end(_ id: JobID?) {
        guard let id else { return }
        ids.withLock { _ = $0.remove(id) }
    }
}
