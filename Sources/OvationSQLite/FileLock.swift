import Foundation
import OvationCore
import Synchronization

/// Says that one process has the store open: SQLite 3.40 can corrupt a file when two write and checkpoint at once.
///
/// A lock of the kernel on a file beside the store, so that it goes with the process however that ends.
final class FileLock: Sendable {
    let descriptor: CInt
    private let isHeld = Atomic(true)

    init(path: String) throws(StoreFailure) {
        try Folder.make(Folder.of(path))
        descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else {
            throw StoreFailure(.unusable, "\(path) cannot be written: \(String(cString: strerror(errno)))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            // Closed by deinit, which runs here too: all that this class holds is there.
            throw StoreFailure(
                .unusable, "another process has this store open (\(path) is locked); stop it, or name another store")
        }
    }

    /// The next process may open the store.
    func release() {
        // Once: the number could be another file's by the second time.
        guard isHeld.exchange(false, ordering: .relaxed) else { return }
        // A child that is just being started has the file open too, and would keep the lock for that moment.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    deinit {
        release()
    }
}
