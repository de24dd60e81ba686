import Foundation
import OvationCore

/// Folders, as entries of other folders: the name of a new file is on the disk only after its folder was synced, even
/// if the file itself was synced.
enum Folder {
    static func of(_ path: String) -> String {
        URL(fileURLWithPath: path).deletingLastPathComponent().path
    }

    /// Makes the folder and those above it that are missing, for this user alone.
    static func make(_ path: String) throws(StoreFailure) {
        var missing: [String] = []
        var folder = URL(fileURLWithPath: path).standardizedFileURL.path
        while !FileManager.default.fileExists(atPath: folder), folder != "/" {
            missing.append(folder)
            folder = of(folder)
        }
        for folder in missing.reversed() {
            // Another process may make it at the same time.
            guard mkdir(folder, 0o700) == 0 || errno == EEXIST else {
                throw StoreFailure(.unusable, "the folder \(path) cannot be made: \(String(cString: strerror(errno)))")
            }
            try sync(of(folder))
        }
    }

    static func sync(_ path: String) throws(StoreFailure) {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        defer { if descriptor >= 0 { close(descriptor) } }
        // A folder may be writable and not readable; and some file systems cannot sync folders.
        guard descriptor >= 0 || errno == EACCES,
            descriptor < 0 || fsync(descriptor) == 0 || errno == EINVAL
        else {
            throw StoreFailure(.unusable, "the folder \(path) cannot be synced: \(String(cString: strerror(errno)))")
        }
    }
}
