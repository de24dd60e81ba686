import OvationCore
public import OvationWire
import Synchronization

/// An import of profiles from the other side: its file, and the report of its refused rows.
public struct ProfileImport: Sendable {
    let client: APIClient
    public let id: String
    let uploadKey: String

    /// - Parameter made: the answer to the request.
    public init(_ made: Bodies.NewImport, through client: APIClient) {
        self.client = client
        id = made.importID
        uploadKey = made.fileUploadBody.uploadKey
    }

    /// Uploads the file. After a break it is sent again from its beginning, where it can be read again.
    /// - Throws: ``ClientFailure``, or what the source throws.
    public func upload(_ source: any UploadSource, observer: any TransferObserver) async throws {
        var retries = Retries()
        var isRepeat = false
        while true {
            let form = FormSource(source, key: uploadKey)
            do {
                return try await client.send(form, as: form.contentType, to: .uploadImportFile, ["import_id": id])
            } catch let failure as ClientFailure where isRepeat && failure.isLateUpload {
                // The answer to the attempt before was lost, or the server has not noticed yet that its connection broke.
                if try await isBeyondUpload() { return }
                guard let seconds = retries.pause(progress: 0) else { throw failure }
                observer.pauses(after: failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
                try source.rewind()
            } catch let failure as ClientFailure where failure.isPassing && source.canRewind {
                isRepeat = true
                guard let seconds = retries.pause(progress: 0) else { throw failure }
                observer.pauses(after: failure, seconds: seconds)
                try await client.sleep(.seconds(seconds))
                observer.goesOn()
                try source.rewind()
            }
        }
    }

    /// Whether the import waits for no file any more, whatever became of it since.
    private func isBeyondUpload() async throws -> Bool {
        try await client.call(.getJob, ["job": id]).content.result.status != .waitingForFile
    }

    /// Reads the refused rows, part by part.
    /// - Throws: ``ClientFailure``, or what `take` throws.
    public func report(
        in section: String, _ take: (UnsafeRawBufferPointer) throws -> Void
    ) async throws {
        try await client.stream(
            .getImportReport, ["section": section, "import_id": id], headers: [("accept", "text/csv")], repeating: {}
        ) { answer in
            while let part = try await answer.next() { try part.withUnsafeBytes { try take($0) } }
        }
    }
}

extension ClientFailure {
    /// The server waits for no file, or for this one no more.
    fileprivate var isLateUpload: Bool {
        if case .refused(_, let problem) = self { problem.code == "upload_expired" } else { false }
    }
}

/// A form of multipart/form-data around a file.
final class FormSource: UploadSource {
    let contentType: String
    private let source: any UploadSource
    private let before: [UInt8]
    private let after: [UInt8]
    private let state = Mutex(State())

    private struct State {
        /// Bytes that were given of what stands before the file, and behind it.
        var before = 0
        var after = 0
        var isFileDone = false
    }

    init(_ source: any UploadSource, key: String) {
        self.source = source
        let boundary = "ovation-" + String(UInt64.random(in: .min ... .max), radix: 36)
        contentType = "multipart/form-data; boundary=\(boundary)"
        before = Array(
            ("--\(boundary)\r\nContent-Disposition: form-data; name=\"upload_key\"\r\n\r\n\(key)\r\n--\(boundary)\r\n"
                + "Content-Disposition: form-data; name=\"file\"; filename=\"import.csv\"\r\nContent-Type: text/csv\r\n\r\n")
                .utf8)
        after = Array("\r\n--\(boundary)--\r\n".utf8)
    }

    var size: Int? { source.size.map { $0 + before.count + after.count } }
    var canRewind: Bool { source.canRewind }

    func rewind() throws {
        try source.rewind()
        state.withLock { $0 = State() }
    }

    func read(into buffer: UnsafeMutableRawBufferPointer) throws -> UploadPart {
        try state.withLock { state in
            if state.before < before.count { return .bytes(FormSource.copy(before, &state.before, buffer)) }
            if !state.isFileDone {
                let part = try source.read(into: buffer)
                guard case .end = part else { return part }
                state.isFileDone = true
            }
            guard state.after < after.count else { return .end }
            return .bytes(FormSource.copy(after, &state.after, buffer))
        }
    }

    private static func copy(
        _ bytes: [UInt8], _ position: inout Int, _ buffer: UnsafeMutableRawBufferPointer
    ) -> Int {
        let part = bytes[position...].prefix(buffer.count)
        buffer.copyBytes(from: part)
        position += part.count
        return part.count
    }
}
