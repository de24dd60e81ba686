import Foundation
import OvationCore

/// The store's file in the file system: its name, its identity, and whether it may be a store.
enum StoreFile {
    /// Identifies the file, whatever its name.
    struct Identity: Equatable, Sendable {
        let device: UInt64
        let inode: UInt64

        init(_ status: stat) {
            device = UInt64(truncatingIfNeeded: status.st_dev)
            inode = UInt64(truncatingIfNeeded: status.st_ino)
        }

        /// nil: there is no such file.
        init?(path: String) {
            var status = stat()
            guard stat(path, &status) == 0 else { return nil }
            self.init(status)
        }
    }

    /// The number of links that the system itself follows.
    private static let linksMax = 40

    /// The path with every link followed, so that one file has one name, and one lock beside it. A link may lead to a
    /// file that does not exist yet.
    static func realPath(_ path: String) throws(StoreFailure) -> String {
        var path = URL(fileURLWithPath: path).path
        for _ in 0..<linksMax {
            guard let target = linkTarget(path) else { return inRealFolder(path) }
            path = URL(fileURLWithPath: target, relativeTo: URL(fileURLWithPath: path).deletingLastPathComponent()).path
        }
        throw StoreFailure(.unusable, "\(path) is a link that leads back to itself")
    }

    private static func linkTarget(_ path: String) -> String? {
        try? FileManager.default.destinationOfSymbolicLink(atPath: path)
    }

    /// A folder that does not exist yet has no links to follow.
    private static func inRealFolder(_ path: String) -> String {
        let url = URL(fileURLWithPath: path)
        guard let folder = realpath(url.deletingLastPathComponent().path, nil) else { return path }
        defer { free(folder) }
        let parent = String(cString: folder)
        return (parent == "/" ? "" : parent) + "/" + url.lastPathComponent
    }

    /// A file with a second name, or one that is mounted by itself, can be opened under a name without our lock and
    /// SQLite's log beside it: two servers would write to it, or one without the log of the other.
    /// - Throws: `unusable`, with what to do. A file that does not exist is fine.
    static func verify(_ path: String) throws(StoreFailure) {
        var status = stat()
        guard lstat(path, &status) == 0 else {
            guard errno == ENOENT else { throw StoreFailure(.unusable, "\(path) cannot be used: \(reason(errno))") }
            return
        }
        guard status.st_mode & S_IFMT == S_IFREG else {
            throw StoreFailure(.unusable, "\(path) is not a file; name a file with --store")
        }
        guard status.st_nlink <= 1 else {
            throw StoreFailure(
                .unusable,
                "\(path) has \(status.st_nlink) names (hard links), and a program that opens another one does not find the "
                    + "log; remove the other names, which 'find -samefile' lists")
        }
        guard !isMountPoint(path) else {
            throw StoreFailure(
                .unusable, "\(path) is mounted by itself, without the log beside it; mount the folder that it is in")
        }
    }

    private static func isMountPoint(_ path: String) -> Bool {
        #if os(Linux)
            guard let table = FileManager.default.contents(atPath: "/proc/self/mountinfo") else { return false }
            // A path that is not UTF-8 is repaired here in the same way as the store's own was.
            return mountPoints(String(decoding: table, as: UTF8.self)).contains(path)
        #else
            return false
        #endif
    }

    /// The fifth word of each line, in which blanks and backslashes are octal (proc(5)).
    static func mountPoints(_ table: String) -> Set<String> {
        var points: Set<String> = []
        for line in table.split(separator: "\n") {
            let words = line.split(separator: " ", maxSplits: 5)
            guard words.count > 4 else { continue }
            points.insert(unescaped(words[4]))
        }
        return points
    }

    private static func unescaped(_ word: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = Substring(word).utf8
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "\\"), let code = UInt8(String(rest.prefix(3)) ?? "", radix: 8) {
                bytes.append(code)
                rest.removeFirst(3)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Bytes; nil where there is no such file.
    static func size(_ path: String) -> Int64? {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : nil
    }

    /// The first bytes; fewer if the file is shorter, none if it cannot be read.
    static func beginning(_ path: String, _ count: Int) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { return [] }
        defer { close(descriptor) }
        return bytes(descriptor, at: 0, count)
    }

    static func bytes(_ descriptor: CInt, at offset: Int, _ count: Int) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
            initialized = max(0, pread(descriptor, buffer.baseAddress, count, off_t(offset)))
        }
    }

    /// The data of the file, or a folder's list of files, are on the disk when this returns.
    static func sync(_ path: String) throws(StoreFailure) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        guard descriptor >= 0, fsync(descriptor) == 0 else {
            throw StoreFailure(.unavailable, "\(path) cannot be synced: \(reason(errno))")
        }
    }

    static func reason(_ code: CInt) -> String { String(cString: strerror(code)) }
}
