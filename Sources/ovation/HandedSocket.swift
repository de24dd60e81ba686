import Foundation
import OvationCore
import OvationServer

/// A socket that systemd, or whoever else starts the server, has made and hands over. See sd_listen_fds(3).
struct HandedSocket: Sendable {
    enum Address: Sendable {
        case tcp(host: String, port: Int)
        /// Empty for a socket without a file.
        case unix(path: String)
    }

    let descriptor: Int32
    let address: Address

    /// The first descriptor after standard input, output and error.
    private static let first: Int32 = 3

    /// All of them, in their order; none where the variables are there for another process.
    static func all(_ environment: [String: String]) throws -> [HandedSocket] {
        guard let count = environment["LISTEN_FDS"].flatMap({ Int32($0) }), count > 0,
            environment["LISTEN_PID"].flatMap({ Int32($0) }) == getpid()
        else { return [] }
        guard count <= Limits.handedSocketsMax else {
            throw CommandFailure(
                "\(count) sockets are handed over (LISTEN_FDS), and \(Limits.handedSocketsMax) are the most.")
        }
        return try (first..<first + count).map(HandedSocket.init)
    }

    private init(descriptor: Int32) throws {
        self.descriptor = descriptor
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        guard HandedSocket.option(SO_TYPE, descriptor) == stream, HandedSocket.option(SO_ACCEPTCONN, descriptor) == 1
        else {
            throw CommandFailure(
                "What is handed over as descriptor \(descriptor) (LISTEN_FDS) is no socket that takes connections. In a socket "
                    + "unit of systemd, use ListenStream= and leave Accept= out.")
        }
        guard let address = HandedSocket.address(of: descriptor) else {
            throw CommandFailure(
                "The socket that is handed over as descriptor \(descriptor) (LISTEN_FDS) is neither one of TCP nor a Unix socket."
            )
        }
        self.address = address
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
    }

    var bound: BoundSocket {
        switch address {
        case .tcp(let host, let port): BoundSocket(descriptor: descriptor, name: "\(host) port \(port)")
        case .unix(let path): BoundSocket(descriptor: descriptor, name: path)
        }
    }

    private static func option(_ name: Int32, _ descriptor: Int32) -> Int32? {
        var value: Int32 = 0
        var size = socklen_t(MemoryLayout<Int32>.size)
        return getsockopt(descriptor, SOL_SOCKET, name, &value, &size) == 0 ? value : nil
    }

    private static func address(of descriptor: Int32) -> Address? {
        var storage = sockaddr_storage()
        var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address -> Address? in
                guard getsockname(descriptor, address, &size) == 0 else { return nil }
                switch Int32(address.pointee.sa_family) {
                case AF_INET, AF_INET6:
                    var host = [CChar](repeating: 0, count: 64)
                    var port = [CChar](repeating: 0, count: 8)
                    let flags = NI_NUMERICHOST | NI_NUMERICSERV
                    guard
                        getnameinfo(
                            address, size, &host, socklen_t(host.count), &port, socklen_t(port.count), flags) == 0,
                        let number = Int(text(port))
                    else { return nil }
                    return .tcp(host: text(host), port: number)
                case AF_UNIX:
                    let begin = MemoryLayout<sockaddr_un>.offset(of: \.sun_path) ?? 2
                    let bytes = UnsafeRawBufferPointer(start: pointer, count: max(Int(size), begin))
                    // For people to read only: nothing is opened by it.
                    return .unix(path: String(decoding: bytes[begin...].prefix { $0 != 0 }, as: UTF8.self))
                default: return nil
                }
            }
        }
    }

    private static func text(_ characters: [CChar]) -> String {
        // Digits and marks of an address, as the system writes them.
        String(decoding: characters.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
