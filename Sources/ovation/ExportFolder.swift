import Foundation
import OvationClient
import OvationCore
import Synchronization
import SystemPackage

/// A folder that an export adds to, run by run, and the manifest that says what is in it.
///
/// A file counts from the moment at which the manifest names it. A run that ends before, however it ends, leaves files that the
/// next one deletes and makes anew, so no event is in the folder twice and none is missing.
final class ExportFolder: Sendable {
    /// What `manifest.json` has.
    struct Manifest: Codable, Sendable {
        struct File: Codable, Sendable {
            var name: String
            var rows: Int
            var bytes: Int
            var firstEventID: String
            var lastEventID: String

            enum CodingKeys: String, CodingKey {
                case name, rows, bytes
                case firstEventID = "first_event_id"
                case lastEventID = "last_event_id"
            }
        }

        var settings: ExportSettings
        /// All events up to this one are in the files, but for those that the API key could not read.
        var doneThrough = "0"
        /// How many it could not read, of all runs.
        var leftOut = 0
        var files: [File] = []

        enum CodingKeys: String, CodingKey {
            case settings, files
            case doneThrough = "done_through"
            case leftOut = "left_out"
        }
    }

    private static let manifestName = "manifest.json"
    /// Hidden, so that programs that read all files of a folder leave it out.
    private static let lockName = ".lock"
    private static let partEnding = ".part"
    /// A manifest of 300,000 files.
    private static let manifestBytesMax = 64 * 1024 * 1024

    private let path: String
    private let lock: SystemPackage.FileDescriptor
    private let manifest: Mutex<Manifest>

    /// Takes the lock of a folder, makes the folder where there is none, and deletes what an interrupted run has left.
    /// - Throws: where another run has it, or where it was begun with other settings.
    init(_ path: String, _ settings: ExportSettings) throws {
        self.path = path
        manifest = Mutex(Manifest(settings: settings))
        try ExportFolder.make(path)
        // Of a file that is open for writing: NFS locks nothing else.
        lock = try ExportFolder.open(
            path + "/" + ExportFolder.lockName, .readWrite, [.create, .noFollow, .closeOnExec])
        guard flock(lock.rawValue, LOCK_EX | LOCK_NB) == 0 else {
            guard errno == EWOULDBLOCK else {
                throw CommandFailure("\(path)/\(ExportFolder.lockName) cannot be locked: \(Errno(rawValue: errno)).")
            }
            throw CommandFailure("Another export writes into \(path); wait for its end.")
        }
        let found = try files(of: settings.format)
        if let known = try readManifest() {
            try known.settings.check(against: settings, in: path)
            manifest.withLock { $0 = known }
            try removeLeftovers(found)
        } else {
            guard found.allSatisfy(\.isPart) else {
                throw CommandFailure(
                    "\(path) has files of an export, and no \(ExportFolder.manifestName) that says what is in them. "
                        + "Name another folder.")
            }
            try removeLeftovers(found)
            try write(ExportFolder.encoded(manifest.withLock { $0 }))
        }
    }

    deinit { try? lock.close() }

    /// All events up to this one are in the folder.
    var doneThrough: Int64 { manifest.withLock { Int64($0.doneThrough) ?? 0 } }

    /// Binds the folder to an account: the ids of its events say nothing of those of another.
    /// - Throws: where it is of another account.
    func bind(toAccount account: String) throws {
        let known = manifest.withLock { manifest in
            defer { manifest.settings.account = manifest.settings.account ?? account }
            return manifest.settings.account
        }
        guard known == nil || known == account else {
            throw CommandFailure(
                "\(path) has events of another account than that of this API key. Use a key of that account, or name another "
                    + "folder.")
        }
        if known == nil { try write(ExportFolder.encoded(manifest.withLock { $0 })) }
    }

    // MARK: Files

    /// A file that is not in the manifest yet.
    func begin(_ name: String) throws -> FolderFile {
        let file = FilePath(path).appending(name)
        let folder = file.removingLastComponent()
        if folder != FilePath(path) { try ExportFolder.make(folder.string) }
        guard FileStatus(file.string, followingLinks: false) == nil else {
            throw CommandFailure("\(file) is there already, and \(ExportFolder.manifestName) does not name it.")
        }
        let part = file.string + ExportFolder.partEnding
        let descriptor = try ExportFolder.open(
            part, .readWrite, [.create, .exclusiveCreate, .noFollow, .closeOnExec])
        return FolderFile(name: name, path: file.string, part: part, descriptor)
    }

    /// Gives files their names, and says in the manifest that all events up to one are in the folder.
    /// - Parameter leftOut: events before it that the API key could not read.
    func commit(
        _ finished: [(file: FolderFile, entry: Manifest.File)], leftOut: Int, through id: Int64
    ) throws {
        var next = manifest.withLock { $0 }
        next.files += finished.map(\.entry)
        next.leftOut += leftOut
        next.doneThrough = String(id)
        // Before a file has its name: a manifest that is too large leaves the folder as it is.
        let data = try ExportFolder.encoded(next)
        for (file, _) in finished { try file.publish() }
        for folder in Set(finished.map { FilePath($0.file.path).removingLastComponent().string }) {
            try ExportFolder.sync(folder)
        }
        try write(data)
        manifest.withLock { [next] in $0 = next }
    }

    /// A file in which nothing is, and the folder that was made for it.
    func discard(_ file: FolderFile) {
        file.discard()
        let folder = FilePath(file.path).removingLastComponent()
        // One that has something stays.
        if folder != FilePath(path) { rmdir(folder.string) }
    }

    /// Files with names that this command gives, and parts of them: in the folder, and in Parquet in the folders of event types
    /// in it. A folder with a manifest of its own is another export's.
    private func files(of format: EventsCommand.Export.Format) throws -> [FoundFile] {
        func names(_ folder: String) throws -> [String] {
            do {
                return try FileManager.default.contentsOfDirectory(atPath: folder)
            } catch {
                throw CommandFailure("\(folder) cannot be read: \(error.localizedDescription)")
            }
        }
        let all = try names(path)
        var found = all.compactMap { FoundFile($0, in: nil) }
        guard format == .parquet else { return found }
        for folder in all where (try? Discriminator<EventType>(folder)) != nil {
            let inner = path + "/" + folder
            // A link to a folder is one, as it is for those who write into it.
            guard FileStatus(inner)?.kind == S_IFDIR,
                FileStatus(inner + "/" + ExportFolder.manifestName, followingLinks: false) == nil
            else { continue }
            found += try names(inner).compactMap { FoundFile($0, in: folder) }
        }
        return found
    }

    /// A file with a name that this command gives: two ids, and a format.
    private struct FoundFile {
        let name: String
        let isPart: Bool
        let isInner: Bool
        private let first: Int64
        private let format: String

        /// nil: it has another name.
        init?(_ name: String, in folder: String?) {
            guard let match = name.wholeMatch(of: /([0-9]{15,19})-[0-9]{15,19}\.(ndjson|csv|parquet)(\.part)?/),
                let first = Int64(match.1)
            else { return nil }
            self.name = folder.map { $0 + "/" + name } ?? name
            (self.first, format, isPart, isInner) = (first, String(match.2), match.3 != nil, folder != nil)
        }

        /// Whether a run that was to go on behind an event can have left it. Files from before it, wherever they were moved,
        /// are those of earlier runs.
        func isLeftover(of format: EventsCommand.Export.Format, behind id: Int64) -> Bool {
            self.format == format.rawValue && isInner == (format == .parquet) && first > id
        }
    }

    /// Deletes what an interrupted run has left.
    private func removeLeftovers(_ found: [FoundFile]) throws {
        let manifest = manifest.withLock { $0 }
        let (known, done) = (Set(manifest.files.map(\.name)), doneThrough)
        for file in found where file.isLeftover(of: manifest.settings.format, behind: done) {
            guard !known.contains(file.name) else { continue }
            guard unlink(path + "/" + file.name) == 0 else { throw ExportFolder.failure(path + "/" + file.name) }
        }
        unlink(path + "/" + ExportFolder.manifestName + ExportFolder.partEnding)
    }

    // MARK: The manifest

    private func readManifest() throws -> Manifest? {
        let file = path + "/" + ExportFolder.manifestName
        guard let status = FileStatus(file) else { return nil }
        guard status.size <= ExportFolder.manifestBytesMax, let data = FileManager.default.contents(atPath: file),
            let manifest = try? JSONDecoder().decode(Manifest.self, from: data), Int64(manifest.doneThrough) != nil
        else { throw CommandFailure("\(file) cannot be read as what this command writes. Name another folder.") }
        return manifest
    }

    private static func encoded(_ manifest: Manifest) throws -> Data {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        let data = try encoder.encode(manifest)
        guard data.count <= manifestBytesMax else {
            throw CommandFailure(
                "The folder has as many files as its \(manifestName) can name. Export into another folder, with a larger "
                    + "--events-per-file.")
        }
        return data
    }

    private func write(_ data: Data) throws {
        let name = path + "/" + ExportFolder.manifestName
        let part = name + ExportFolder.partEnding
        unlink(part)
        let descriptor = try ExportFolder.open(
            part, .writeOnly, [.create, .exclusiveCreate, .noFollow, .closeOnExec])
        let file = FolderFile(name: ExportFolder.manifestName, path: name, part: part, descriptor)
        try data.withUnsafeBytes { try file.write($0) }
        try file.finish()
        try file.publish()
        try ExportFolder.sync(path)
    }

    // MARK: The system

    static func failure(_ path: String) -> CommandFailure {
        CommandFailure("\(path) cannot be written: \(Errno(rawValue: errno)).")
    }

    /// What is in it is personal data: nobody else on the machine reads it.
    private static func make(_ path: String) throws {
        if mkdir(path, 0o700) == 0 {
            return try sync(FilePath(path).lexicallyNormalized().removingLastComponent().string)
        }
        guard errno == EEXIST, FileStatus(path)?.kind == S_IFDIR else { throw failure(path) }
    }

    private static func open(
        _ path: String, _ mode: SystemPackage.FileDescriptor.AccessMode,
        _ options: SystemPackage.FileDescriptor.OpenOptions
    ) throws -> SystemPackage.FileDescriptor {
        do {
            return try SystemPackage.FileDescriptor.open(
                FilePath(path), mode, options: options, permissions: [.ownerReadWrite])
        } catch {
            throw CommandFailure("\(path) cannot be opened: \(error).")
        }
    }

    /// The names in a folder are on the disk afterwards.
    private static func sync(_ path: String) throws {
        let folder = try open(path.isEmpty ? "." : path, .readOnly, [.directory, .closeOnExec])
        defer { try? folder.close() }
        guard fsync(folder.rawValue) == 0 || errno == EINVAL else { throw failure(path) }
    }
}

/// A file of an ``ExportFolder`` under its temporary name.
struct FolderFile: Sendable {
    let name: String
    let path: String
    private let part: String
    private let descriptor: SystemPackage.FileDescriptor

    init(name: String, path: String, part: String, _ descriptor: SystemPackage.FileDescriptor) {
        self.name = name
        self.path = path
        self.part = part
        self.descriptor = descriptor
    }

    var bytes: Int { FileStatus(part, followingLinks: false)?.size ?? 0 }

    func write(_ bytes: UnsafeRawBufferPointer) throws {
        do {
            try descriptor.writeAll(bytes)
        } catch {
            throw CommandFailure("\(part) cannot be written: \(error).")
        }
    }

    func restart() throws {
        guard ftruncate(descriptor.rawValue, 0) == 0, lseek(descriptor.rawValue, 0, SEEK_SET) == 0 else {
            throw ExportFolder.failure(part)
        }
    }

    /// The last bytes.
    func end(_ count: Int) throws -> [UInt8] {
        let size = bytes
        return try descriptor.bytes(from: max(0, size - count), to: size)
    }

    /// All that was written is on the disk afterwards.
    func finish() throws {
        guard fsync(descriptor.rawValue) == 0 else { throw ExportFolder.failure(part) }
        try? descriptor.close()
    }

    /// Gives it its name.
    func publish() throws {
        guard rename(part, path) == 0 else { throw ExportFolder.failure(path) }
    }

    func discard() {
        try? descriptor.close()
        unlink(part)
    }
}
