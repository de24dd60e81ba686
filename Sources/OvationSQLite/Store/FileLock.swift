import Foundation
import OvationCore
import Synchronization

/// A kernel lock on a file. It ends with the process, however the process ends.
final class FileLock: Sendable {
    let descriptor: CInt
    private let isHeld = Atomic(true)

    /// Locks a file that exists only for this, and makes it with its folder if it is missing.
    convenience init(path: String) throws(StoreFailure) {
        try Folder.make(Folder.of(path))
        try self.init(path, open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600))
    }

    /// Locks the store itself, which must exist.
    convenience init(existing path: String) throws(StoreFailure) {
        try self.init(path, open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC))
    }

    private init(_ path: String, _ descriptor: CInt) throws(StoreFailure) {
        self.descriptor = descriptor
        guard descriptor >= 0 else {
            throw StoreFailure(.unusable, "\(path) cannot be opened: \(StoreFile.reason(errno))")
        }
        guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
            let reason = errno
            // deinit closes it, also here, because all members are set.
            guard reason == EWOULDBLOCK else {
                throw StoreFailure(.unusable, "\(path) cannot be locked: \(StoreFile.reason(reason))")
            }
            throw StoreFailure(
                .inUse, "another process has this store open (\(path) is locked); stop it, or name another store")
        }
    }

    /// The next process may open the store.
    func release() {
        // Only once: the number could belong to another file by the second time.
        guard isHeld.exchange(false, ordering: .relaxed), descriptor >= 0 else { return }
        // A child process that is just being started has the file open too, and would keep the lock for that moment.
        _ = flock(descriptor, LOCK_UN)
        close(descriptor)
    }

    deinit {
        release()
    }
}

/// Ensures that only one process has the store open: SQLite 3.40 can corrupt a file when two write and checkpoint at
/// once.
///
/// There are two locks: one on a file beside the store, which exists before the store does and which every version of
/// Ovation asks for; and one on the store's file, which is the same under every name and in every container. They are
/// released after the last connection is closed: closing a file in this process drops SQLite's own locks on it.
final class StoreLock: Sendable {
    /// The store's file, with every link followed.
    let path: String
    private let beside: FileLock
    private let file = Mutex<FileLock?>(nil)

    init(_ path: String) throws(StoreFailure) {
        self.path = try StoreFile.realPath(path)
        try StoreFile.verify(self.path)
        beside = try FileLock(path: self.path + ".lock")
        if StoreFile.Identity(path: self.path) != nil { try lockFile() }
    }

    /// After the file was made, or replaced another.
    func lockFile() throws(StoreFailure) {
        let lock = try FileLock(existing: path)
        file.withLock { $0 = lock }
    }

    /// For reading the file; nil while there is none.
    var fileDescriptor: CInt? { file.withLock { $0?.descriptor } }

    func release() {
        file.withLock { lock in
            lock?.release()
            lock = nil
        }
        beside.release()
    }
}
