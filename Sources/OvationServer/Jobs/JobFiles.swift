import NIOPosix
import OvationCore

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// The folder with the files of jobs. Reads and writes block, so they run on the threads that NIO has for that.
struct JobFiles: Sendable {
    /// nil: the server has none.
    private let folder: String?
    /// Imports whose files are on their way here, by any listener.
    let underWay = UploadsUnderWay()

    init(folder: String?) { self.folder = folder }

    /// What a file is of a job.
    enum Role: String, CaseIterable {
        /// That was uploaded.
        case upload = "csv"
        /// The refused rows.
        case report = "report.csv"
        /// What a job made, as ``ResultWriter`` writes it.
        case result = "result"
    }

    var hasFolder: Bool { folder != nil }

    func path(_ id: JobID, _ role: Role) throws(Problem) -> String { try path(named: "\(id.text).\(role.rawValue)") }

    private func path(named name: String) throws(Problem) -> String {
        guard let folder else {
            throw Problem(
                .storeUnavailable, "This server has no folder for files, and takes no imports and no exports.")
        }
        return folder + "/" + name
    }

    /// Whether the file is here.
    func has(_ id: JobID, _ role: Role) -> Bool {
        guard let path = try? path(id, role) else { return false }
        return access(path, F_OK) == 0
    }

    /// Runs where it may block.
    static func blocking<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await NIOThreadPool.singleton.runIfActive(work)
    }

    /// A file that is being uploaded or made, which nobody else reads yet.
    func makePart(_ id: JobID) throws -> OpenFile {
        guard let folder else { throw Problem(.storeUnavailable, "This server has no folder for files.") }
        let names = folder.split(separator: "/", omittingEmptySubsequences: false)
        for count in 1..<max(names.count, 1) { _ = mkdir(names.prefix(count).joined(separator: "/"), 0o700) }
        // Personal data are in there.
        if mkdir(folder, 0o700) != 0, errno != EEXIST {
            throw FileFailure(errno, "the folder for files cannot be made")
        }
        let random = String(UInt64.random(in: .min ... .max), radix: 36)
        return try OpenFile(try path(named: "\(id.text).\(random).part"), O_RDWR | O_CREAT | O_EXCL)
    }

    /// A file that has no name, and is gone when it is closed, however the process ends.
    func makeNameless(_ id: JobID) throws -> OpenFile {
        let file = try makePart(id)
        JobFiles.unlink(file)
        return file
    }

    /// What was uploaded or made is the file of the job from here on, also after a power failure.
    func keep(_ part: OpenFile, as id: JobID, _ role: Role = .upload) throws {
        try part.sync()
        guard rename(part.path, try path(id, role)) == 0 else {
            throw FileFailure(errno, "a file cannot be renamed")
        }
        try syncFolder()
    }

    private func syncFolder() throws {
        guard let folder else { return }
        try OpenFile(folder, O_RDONLY | O_DIRECTORY).sync()
    }

    /// For ``OpenFile``.
    static let reading = O_RDONLY
    static let writing = O_RDWR | O_CREAT

    static func unlink(_ file: OpenFile) { _ = unlinkFile(file.path) }

    private func isOld(_ path: String, _ now: Timestamp) -> Bool {
        var status = stat()
        guard stat(path, &status) == 0 else { return false }
        let changed = Timestamp(milliseconds: Int64(status.st_mtim.tv_sec) * 1000)
        return changed.advanced(by: JobFiles.ageMax) < now
    }

    func remove(_ id: JobID, _ role: Role) {
        if let path = try? path(id, role) { _ = unlinkFile(path) }
    }

    /// How old a file of no known job may become. Another store can share the folder, and its jobs are not older.
    private static let ageMax = Limits.jobAge + Limits.jobPatience * 2

    /// Removes the files that nobody needs any more.
    /// - Parameter needs: whether the file of a job, or a part of one, is needed; nil: there is no such job here.
    func sweep(olderThan now: Timestamp, _ needs: (JobID, Role?) -> Bool?) {
        forEach { id, role, path in
            if !(needs(id, role) ?? !isOld(path, now)) { _ = unlinkFile(path) }
        }
    }

    /// Removes what earlier attempts at a job have left.
    func removeParts(_ id: JobID) {
        forEach { other, role, path in if other == id, role == nil { _ = unlinkFile(path) } }
    }

    /// The files of jobs: those without a role are parts.
    private func forEach(_ visit: (JobID, Role?, _ path: String) -> Void) {
        guard let folder, let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard let end = name.firstIndex(of: "."), let id = JobID(String(name[..<end])) else { continue }
            let suffix = String(name[name.index(after: end)...])
            let role = Role(rawValue: suffix)
            guard role != nil || suffix.hasSuffix(".part") else { continue }
            visit(id, role, folder + "/" + name)
        }
    }
}

/// Of the system; ``JobFiles`` has one of its own name.
private func unlinkFile(_ path: String) -> Int32 { unlink(path) }

/// What the system says of a file.
struct FileFailure: Error, CustomStringConvertible {
    let code: Int32
    let message: String

    init(_ code: Int32, _ message: String) {
        self.code = code
        self.message = message
    }

    var description: String { "\(message): \(String(cString: strerror(code)))" }

    var problem: Problem {
        code == ENOSPC || code == EDQUOT || code == EFBIG
            ? Problem(
                .storageFull, "The server's disk is full; nothing was stored.", retryAfterSeconds: 30,
                cause: description)
            : Problem(
                .storeUnavailable, "The file cannot be kept at the moment; send the request again.",
                retryAfterSeconds: 2, cause: description)
    }
}

/// A file that is open as long as the value.
final class OpenFile: Sendable {
    let path: String
    private let descriptor: Int32

    init(_ path: String, _ flags: Int32) throws {
        self.path = path
        descriptor = open(path, flags | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw FileFailure(errno, "a file cannot be opened") }
    }

    deinit { close(descriptor) }

    var size: Int64 {
        get throws {
            var status = stat()
            guard fstat(descriptor, &status) == 0 else { throw FileFailure(errno, "a file cannot be looked at") }
            return Int64(status.st_size)
        }
    }

    /// Up to so many bytes from a place on; none at the end.
    func read(_ count: Int, at offset: Int64) throws -> [UInt8] {
        var code: Int32 = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
            filled = 0
            while true {
                let read = pread(descriptor, buffer.baseAddress, count, off_t(offset))
                if read >= 0 { return filled = read }
                guard errno == EINTR else { return code = errno }
            }
        }
        guard code == 0 else { throw FileFailure(code, "a file cannot be read") }
        return bytes
    }

    func write(_ bytes: [UInt8], at offset: Int64) throws {
        try bytes.withUnsafeBytes { bytes in
            var done = 0
            while done < bytes.count {
                let written = pwrite(
                    descriptor, bytes.baseAddress?.advanced(by: done), bytes.count - done, off_t(offset) + off_t(done))
                if written > 0 {
                    done += written
                } else if errno != EINTR {
                    throw FileFailure(errno, "a file cannot be written")
                }
            }
        }
    }

    func cut(to size: Int64) throws {
        guard ftruncate(descriptor, off_t(size)) == 0 else { throw FileFailure(errno, "a file cannot be cut") }
    }

    func sync() throws {
        guard fsync(descriptor) == 0 else { throw FileFailure(errno, "a file cannot be synced") }
    }
}
