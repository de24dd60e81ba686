import Foundation
import NIOCore

/// Ports that a server will listen on, taken before it does anything that cannot be done twice: a first start must not
/// make an admin key, show it this once, and then find the port in the hands of another server.
///
/// Until ``hold()`` they answer nothing, so that nobody waits for a server whose database is still starting.
struct PortReservation: ~Copyable {
    private let sockets: [(descriptor: Int32, name: String)]

    /// - Parameter ports: each with the words for it.
    init(host: String, ports: [(port: Int, option: String)]) throws {
        var sockets: [(descriptor: Int32, name: String)] = []
        do {
            for (port, option) in ports {
                let name = "\(host) port \(port)"
                sockets.append((try PortReservation.bound(host, port, name, option), "\(name) (\(option))"))
            }
        } catch {
            for socket in sockets { close(socket.descriptor) }
            throw error
        }
        self.sockets = sockets
    }

    /// From here on nobody else gets them.
    func hold() throws {
        for socket in sockets where listen(socket.descriptor, 1) != 0 {
            throw PortReservation.failure(socket.name, String(cString: strerror(errno)))
        }
    }

    deinit {
        for socket in sockets { close(socket.descriptor) }
    }

    private static func bound(_ host: String, _ port: Int, _ name: String, _ option: String) throws -> Int32 {
        let address: SocketAddress
        do {
            address = try SocketAddress.makeAddressResolvingHost(host, port: port)
        } catch {
            throw CommandFailure(
                "The host '\(host)' is not an address of this machine (\(error)). Choose one with --host.")
        }
        #if canImport(Glibc)
            let stream = Int32(SOCK_STREAM.rawValue)
        #else
            let stream = SOCK_STREAM
        #endif
        let descriptor = socket(Int32(address.protocol.rawValue), stream, 0)
        guard descriptor >= 0 else { throw failure("\(name) (\(option))", String(cString: strerror(errno))) }
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        // As the server itself does: a port of connections that have just ended can be had.
        var yes: Int32 = 1
        setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
        let result = address.withSockAddr { address, size in bind(descriptor, address, socklen_t(size)) }
        guard result == 0 else {
            let reason = String(cString: strerror(errno))
            close(descriptor)
            throw failure("\(name) (\(option))", reason)
        }
        return descriptor
    }

    private static func failure(_ name: String, _ reason: String) -> CommandFailure {
        CommandFailure(
            "\(name) cannot be listened on: \(reason.lowercased()). Is another server running there? Choose another port."
        )
    }
}
