import OvationCore

/// Checks whether the file and its log still have their names. If a person deletes an open file, or moves another one
/// over it, the process writes to a file without a name.
struct StoreWatch: Sendable {
    private let files: [(path: String, identity: StoreFile.Identity)]

    /// - Throws: `unusable` if the log or the file is missing from the start.
    init(path: String) throws(StoreFailure) {
        var files: [(String, StoreFile.Identity)] = []
        for path in [path, path + "-wal"] {
            guard let identity = StoreFile.Identity(path: path) else {
                throw StoreFailure(.unusable, "\(path) has disappeared")
            }
            files.append((path, identity))
        }
        self.files = files
    }

    /// - Throws: `unavailable` with what to do.
    func verify() throws(StoreFailure) {
        for file in files where StoreFile.Identity(path: file.path) != file.identity {
            throw StoreFailure(
                .unavailable,
                "\(file.path) was deleted or replaced while it was open: nothing is stored any more. Stop the server, put "
                    + "the store or a backup in its place, and start again")
        }
    }
}
