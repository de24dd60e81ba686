import Foundation
import ServiceLifecycle

/// Tells systemd how the server is, where systemd has started it: ready, still alive, stopping. See sd_notify(3).
struct ServiceSupervisor: Service {
    /// Path of a socket; `@` in front stands for one without a file.
    private let socketPath: String
    /// How often systemd is told that the server is alive; nil where it does not watch.
    private let interval: Duration?

    /// nil where nobody wants to be told.
    init?(_ environment: [String: String]) {
        guard let path = environment["NOTIFY_SOCKET"], path.hasPrefix("/") || path.hasPrefix("@") else { return nil }
        socketPath = path
        // Twice within the time after which systemd gives the server up.
        interval = environment["WATCHDOG_USEC"].flatMap { Int64($0) }.flatMap { microseconds in
            microseconds >= 2000 ? .microseconds(microseconds / 2) : nil
        }
    }

    func run() async throws {
        if let interval {
            await cancelWhenGracefulShutdown {
                while !Task.isCancelled {
                    send("WATCHDOG=1")
                    try? await Task.sleep(for: interval)
                }
            }
        } else {
            try await gracefulShutdown()
        }
        send("STOPPING=1")
    }

    /// The server listens.
    func ready() { send("READY=1") }

    /// A supervisor that does not listen is no reason to stop: it sees for itself whether the process lives.
    private func send(_ message: String) {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var path = Array(socketPath.utf8)
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        guard path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(
            MemoryLayout<sockaddr_un>.size - MemoryLayout.size(ofValue: address.sun_path) + path.count)
        #if canImport(Glibc)
            let kind = Int32(SOCK_DGRAM.rawValue)
        #else
            let kind = SOCK_DGRAM
        #endif
        let descriptor = socket(AF_UNIX, kind, 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = sendto(descriptor, message, message.utf8.count, 0, address, length)
            }
        }
    }
}
