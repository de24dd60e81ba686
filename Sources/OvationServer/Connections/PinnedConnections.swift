import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import NIOHTTP1
import NIOHTTPTypes
import NIOHTTPTypesHTTP1
import OvationCore

/// Handles each connection on the thread of its own event loop, from the first byte of a request to the last of its
/// answer.
///
/// Tasks run on Swift's shared threads unless they are told otherwise, so every part that is read and every part that
/// is written would hand the request from the loop's thread to another and back, and wake a thread for it.
struct PinnedConnections: HTTPChannelHandler {
    let responder: Responder
    let limits: Limits

    /// TCP_NOTSENT_LOWAT: bytes that the system takes and has not sent yet.
    #if canImport(Darwin)
        private static let unsentMax = NIOBSDSocket.Option(rawValue: 0x201)
    #else
        private static let unsentMax = NIOBSDSocket.Option(rawValue: 25)
    #endif

    /// As Hummingbird's own channel for HTTP/1.1, but for what reads the requests.
    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<
        NIOAsyncChannel<HTTPRequestPart, HTTPResponsePart>
    > {
        channel.eventLoop.makeCompletedFuture {
            // By default each connection keeps four buffers of up to 64 KiB for as long as it is open.
            try channel.syncOptions?.setOption(.maxMessagesPerRead, value: 1)
            try channel.syncOptions?.setOption(
                .recvAllocator,
                value: AdaptiveRecvByteBufferAllocator(
                    minimum: 1024, initial: 2048, maximum: Limits.receiveBufferBytesMax))
            // What the system has of an answer counts as taken. It would hold megabytes, and a client that reads slowly
            // would look like one that reads nothing for as long as it has not taken a third of them.
            try channel.syncOptions?.setOption(
                .tcpOption(PinnedConnections.unsentMax), value: .init(Limits.unsentBytesMax))
            let decoder = RequestDecoder()
            try channel.pipeline.syncOperations.addHandlers([
                HTTPResponseEncoder(),
                // It holds no more than what there is of one head, so this is met by nobody who speaks HTTP.
                ByteToMessageHandler(decoder, maximumBufferSize: 2 * Limits.headBytesMax),
                HTTP1ToHTTPServerCodec(secure: false),
                ConnectionGaps(limits: limits, decoder: decoder),
                HTTPConnectionStateHandler(idleTimeout: limits.idleTimeout, logger: logger),
            ])
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

/// An event loop as a place to run tasks.
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
    static func pinned(limits: Limits) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in PinnedConnections(responder: responder, limits: limits) }
    }
}
