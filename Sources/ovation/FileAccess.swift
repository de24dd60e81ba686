import Foundation

/// Files that are for their owner alone: a store and what stands beside it, and files with secrets.
enum FileAccess {
    /// A sentence for each of these files that exists and that others on the machine can read or change.
    static func warnings(_ paths: [String]) -> [String] {
        paths.compactMap { path in
            guard let mode = FileStatus(path)?.mode, mode & others != 0 else { return nil }
            return "\(path) can be read or changed by other users of this machine: chmod 600 '\(path)'"
        }
    }

    private static let others = S_IRGRP | S_IWGRP | S_IROTH | S_IWOTH
}

extension StoreLocation {
    /// The files of a store; none where it is a database.
    var files: [String] {
        guard case .sqlite(let path) = self else { return [] }
        return [path, path + "-wal", path + "-shm"]
    }
}
