import HummingbirdCore
import Logging
import NIOCore

/// Handles each connection on the thread of its own event loop, from the first byte of a request to the last of its
/// answer.
///
/// Tasks run on Swift's shared threads unless they are told otherwise, so every part that is read and every part that
/// is written would hand the request from the loop's thread to another and back, and wake a thread for it.
struct PinnedConnections<Base: ServerChildChannel>: ServerChildChannel {
    let base: Base

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Base.Value> {
        base.setup(channel: channel, logger: logger)
    }

    func handle(value: Base.Value, logger: Logger) async {
        await withTaskExecutorPreference(EventLoopExecutor(value.channel.eventLoop)) {
            await base.handle(value: value, logger: logger)
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
    static func pinned(_ configuration: HTTP1Channel.Configuration) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            PinnedConnections(base: HTTP1Channel(responder: responder, configuration: configuration))
        }
    }
}
