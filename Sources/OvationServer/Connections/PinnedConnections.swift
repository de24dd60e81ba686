import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import OvationCore

/// Handles each connection on the thread of its own event loop, from the first byte of a request to the last of its
/// answer.
///
/// By default tasks run on Swift's shared threads. Then every part that is read or written would move the request from
/// the loop's thread to another and back, and wake a thread for it.
struct PinnedConnections: HTTPChannelHandler {
    let responder: Responder
    /// nil: all requests go to the framework.
    let fastRequests: FastRequests?
    let limits: Limits

    /// TCP_NOTSENT_LOWAT: bytes that the system has taken and not yet sent.
    #if canImport(Darwin)
        private static let unsentMax = NIOBSDSocket.Option(rawValue: 0x201)
    #else
        private static let unsentMax = NIOBSDSocket.Option(rawValue: 25)
    #endif

    /// The same as Hummingbird's own channel for HTTP/1.1, except for the decoder of requests and the codec.
    func setup(channel: any NIOCore.Channel, logger: Logger) -> EventLoopFuture<
        NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    > {
        channel.eventLoop.makeCompletedFuture {
            // By default each connection keeps four buffers of up to 64 KiB for as long as it is open.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            try channel.syncOptions?.setOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1024, initial: 2048, maximum: Limits.receiveBufferBytesMax))
            // Bytes of an answer that the system has taken count as taken by the client. By default that can be
            // megabytes, and a client that reads slowly would look like one that reads nothing until it has taken a
            // third of them.
            if channel.isUnix {
                // What the other end has not read yet waits in this buffer. The system doubles the number.
                try channel.syncOptions?.setOption(
                    .socketOption(.so_sndbuf), value: .init(Limits.unsentBytesMax / 2))
            } else {
                try channel.syncOptions?.setOption(
                    .tcpOption(PinnedConnections.unsentMax), value: .init(Limits.unsentBytesMax))
            }
            let decoder = RequestDecoder()
            try channel.pipeline.syncOperations.addHandlers([
                HTTPResponseEncoder(),
                // The buffer only has to hold one head, so no HTTP client reaches this limit.
                ByteToMessageHandler(decoder, maximumBufferSize: 2 * Limits.headBytesMax),
                RequestCodec(),
                ConnectionGaps(limits: limits, decoder: decoder),
                HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout, logger: logger),
            ])
            if let fastRequests { try channel.pipeline.syncOperations.addHandler(FastRequestHandler(fastRequests)) }
            return try NIOAsyncChannel(
                wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true))
        }
    }

    func handle(value: NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
            await handleHTTP(asyncChannel: value, logger: logger)
        }
    }
}

/// An event loop as an executor of tasks.
final class EventLoopExecutor: TaskExecutor {
    private let eventLoop: any EventLoop

    init(_ eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
    }

    func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        eventLoop.execute { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
    }
}

extension HTTPServerBuilder {
    /// HTTP/1.1, each connection on its own event loop.
    static func pinned(fastRequests: FastRequests?, limits: Limits) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            PinnedConnections(responder: responder, fastRequests: fastRequests, limits: limits)
        }
    }
}
