import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import NIOCore
import NIOExtras
import NIOHTTP1
import NIOPosix
import OvationCore
import ServiceLifecycle
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// A socket that takes connections and that somebody else has made: one in the file system, or one that a supervisor hands
/// over.
public struct BoundSocket: Sendable {
    /// From here on it is the listener's, which closes it.
    public let descriptor: CInt
    /// As the log has it: an address, or a path.
    public let name: String

    public init(descriptor: CInt, name: String) {
        self.descriptor = descriptor
        self.name = name
    }
}

/// Answers requests on sockets that are bound already, which the framework's own server cannot take. Connections have the same
/// limits as there, and end in the same way: what is under way is answered, and nothing new is read.
struct SocketListener: Service {
    let sockets: [BoundSocket]
    let responder: ServerResponder
    let fastRequests: FastRequests?
    let limits: Limits
    let clock: WallClock
    let logger: Logger
    let onRunning: @Sendable () async -> Void

    private static let backlog: CInt = 1024

    private typealias Listening = (
        channel: NIOAsyncChannel<PinnedConnections.Value, Never>, drain: ServerQuiescingHelper
    )

    func run() async throws {
        let connections = PinnedConnections(responder: answer(), fastRequests: fastRequests, limits: limits)
        var listening: [Listening] = []
        for socket in sockets {
            listening.append(try await start(on: socket, connections))
            logger.info("listening on a socket", metadata: ["socket": "\(socket.name)"])
        }
        let channels = listening.map(\.channel)
        let drains = listening.map(\.drain)
        await withGracefulShutdownHandler {
            await onRunning()
            await withDiscardingTaskGroup { group in
                for channel in channels {
                    group.addTask { await serve(channel, connections) }
                }
            }
        } onGracefulShutdown: {
            for drain in drains { drain.initiateShutdown(promise: nil) }
        }
    }

    private func start(on socket: BoundSocket, _ connections: PinnedConnections) async throws -> Listening {
        let group = MultiThreadedEventLoopGroup.singleton
        let drain = ServerQuiescingHelper(group: group)
        let connectionsMax = limits.connectionsMax
        let channel = try await ServerBootstrap(group: group)
            .childChannelOption(.allowRemoteHalfClosure, value: true)
            .serverChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHandler(
                        AvailableConnectionsChannelHandler<MaximumAvailableConnections>(maxConnections: connectionsMax))
                    try pipeline.addHandler(drain.makeServerChannelHandler(channel: channel))
                }
            }
            .bind(socket.descriptor) { channel in connections.setup(channel: channel, logger: logger) }
        // The bootstrap has set a shorter queue than the other listeners have.
        _ = listen(socket.descriptor, SocketListener.backlog)
        return (channel, drain)
    }

    private func serve(
        _ channel: NIOAsyncChannel<PinnedConnections.Value, Never>, _ connections: PinnedConnections
    ) async {
        await withDiscardingTaskGroup { group in
            do {
                try await channel.executeThenClose { inbound in
                    for try await connection in inbound {
                        group.addTask { await connections.handle(value: connection, logger: logger) }
                    }
                }
            } catch {
                logger.error("a socket takes no more connections", metadata: ["reason": "\(error)"])
            }
        }
    }

    /// As the framework's application does it.
    private func answer() -> PinnedConnections.Responder {
        let serverHeaders = ServerHeaders(clock: clock)
        return { [responder, logger] (request, writer: consuming ResponseWriter, channel) in
            let source = ApplicationRequestContextSource(channel: channel, logger: logger)
            var response = try await responder.respond(to: request, context: ServerContext(source: source))
            serverHeaders.add(to: &response)
            do {
                try await writer.write(response: response.head, body: response.body)
            } catch is HTTPParserError {
                // Thrown on, it would make a second answer.
                throw StreamEnd.readerGone
            }
        }
    }
}

/// The headers that the framework's application gives to every answer, for answers that it does not make.
struct ServerHeaders: Sendable {
    static let name = "Ovation"

    private let date = HTTPDate()
    private let clock: WallClock

    init(clock: WallClock) {
        self.clock = clock
    }

    func add(to response: inout Response) {
        response.headers[.date] = date.text(at: clock.now())
        response.headers[.server] = ServerHeaders.name
    }
}

/// The time as the header `Date` has it (RFC 9110 §5.6.7), made once a second.
final class HTTPDate: Sendable {
    private let last = Mutex<(second: Int64, text: String)>((.min, ""))

    func text(at time: Timestamp) -> String {
        let second = time.milliseconds / 1000
        return last.withLock { last in
            if last.second != second { last = (second, HTTPDate.text(second: second)) }
            return last.text
        }
    }

    static func text(second: Int64) -> String {
        // 2026-03-02T09:14:07.000Z
        let parts = Timestamp(milliseconds: second * 1000).rfc3339.split { "-T:.Z".contains($0) }
        let weekday = weekdays[Int(second / 86_400 % 7)]
        let month = months[(Int(parts[1]) ?? 1) - 1]
        return "\(weekday), \(parts[2]) \(month) \(parts[0]) \(parts[3]):\(parts[4]):\(parts[5]) GMT"
    }

    /// Of the first day of 1970, and the next.
    private static let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    private static let months = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
}
