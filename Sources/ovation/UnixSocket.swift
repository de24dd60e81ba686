import Foundation
import OvationServer
import SystemPackage

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

/// A socket in the file system that this server listens on, taken before it does anything that cannot be done twice, like
/// ``PortReservation``.
///
/// A file beside it, `PATH.lock`, is locked for as long as the server lives. So a socket whose server has crashed is known from one
/// whose server is still starting, and is replaced.
final class UnixSocket {
    let path: String
    let descriptor: Int32
    private let lock: Int32
    private let file: FileStatus?

    init(_ path: String) throws {
        self.path = path
        guard path.utf8.count < MemoryLayout.size(ofValue: sockaddr_un().sun_path) else {
            throw CommandFailure(
                "unix:\(path) cannot be listened on: the system takes paths of \(MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1) "
                    + "bytes at most. Choose a shorter one with --listen.")
        }
        lock = try UnixSocket.locked(path)
        do {
            try UnixSocket.clear(path)
            descriptor = try UnixSocket.bound(path)
        } catch {
            unlink(path + ".lock")
            close(lock)
            throw error
        }
        file = FileStatus(path, followingLinks: false)
    }

    /// From here on connections wait for the server.
    func hold() throws {
        guard listen(descriptor, 128) == 0 else { throw UnixSocket.failure(path, errno) }
    }

    var bound: BoundSocket { BoundSocket(descriptor: descriptor, name: path) }

    /// Leaves nothing behind. A file that somebody else has put there stays.
    func remove() {
        if let file, file.isSame(as: FileStatus(path, followingLinks: false)) { unlink(path) }
        unlink(path + ".lock")
        close(lock)
    }

    /// - Throws: while another server has it.
    private static func locked(_ path: String) throws -> Int32 {
        let file = path + ".lock"
        while true {
            let descriptor = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
            guard descriptor >= 0 else { throw failure(path, errno) }
            guard flock(descriptor, LOCK_EX | LOCK_NB) == 0 else {
                close(descriptor)
                throw CommandFailure(
                    "unix:\(path) cannot be listened on: another server has it. Stop that one, or choose another path with "
                        + "--listen.")
            }
            // Another server may have ended, and removed the file, since it was opened.
            let opened = FileStatus(of: SystemPackage.FileDescriptor(rawValue: descriptor))
            if let opened, opened.isSame(as: FileStatus(file, followingLinks: false)) { return descriptor }
            close(descriptor)
        }
    }

    /// Removes the socket of a server that is gone.
    private static func clear(_ path: String) throws {
        guard let status = FileStatus(path, followingLinks: false) else { return }
        guard status.kind == S_IFSOCK else {
            throw CommandFailure(
                "unix:\(path) cannot be listened on: there is a file that is no socket. Remove it, or choose another path with "
                    + "--listen.")
        }
        // Another program takes no lock of ours.
        let probe = try socket(path)
        defer { close(probe) }
        if withAddress(path, { connect(probe, $0, $1) }) == 0 {
            throw CommandFailure(
                "unix:\(path) cannot be listened on: another program answers there. Stop it, or choose another path with "
                    + "--listen.")
        }
        guard errno == ECONNREFUSED, unlink(path) == 0 else { throw failure(path, errno) }
    }

    private static func bound(_ path: String) throws -> Int32 {
        let descriptor = try socket(path)
        // Only the server's user and its group, from the first moment on.
        let before = umask(0o117)
        let result = withAddress(path) { bind(descriptor, $0, $1) }
        let code = errno
        umask(before)
        guard result == 0 else {
            close(descriptor)
            throw failure(path, code)
        }
        return descriptor
    }

    private static func socket(_ path: String) throws -> Int32 {
        #if canImport(Glibc)
            let descriptor = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
        #else
            let descriptor = Darwin.socket(AF_UNIX, SOCK_STREAM, 0)
        #endif
        guard descriptor >= 0 else { throw failure(path, errno) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }

    private static func withAddress(
        _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> CommandFailure {
        let advice =
            switch code {
            case ENOENT: "Make the folder first"
            case EACCES, EPERM: "Let the server's user write to the folder"
            default: "Choose another path with --listen"
            }
        return CommandFailure(
            "unix:\(path) cannot be listened on: \(String(cString: strerror(code)).lowercased()). \(advice).")
    }
}
