import Foundation

@testable import OvationSQLite

extension SQLiteStore {
    /// Copies the files as a crash of the process would leave them. The writer's thread copies, since its work between posts
    /// would change one of them while another is copied.
    func copyFiles(from path: String, to copy: String) async throws {
        try await write { _, _ in
            for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: path + suffix) {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: copy + suffix)
            }
        }
    }
}
