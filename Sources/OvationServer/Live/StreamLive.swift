import AsyncAlgorithms
import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import ServiceLifecycle
import Synchronization

/// `GET /audience/live?section=&outcome=&event_discriminator=`: the outcome of posts, as server-sent events while they
/// come. Each `post` has one JSON object; `dropped` says how many a slow reader missed; a comment every fifteen seconds
/// keeps proxies from closing the stream.
///
/// The reader's rights are checked again with each event and with each comment, and the stream ends with them; it also
/// ends after an hour, so that it cannot outlive its token by more. Readers open it again.
struct StreamLive: EndpointHandler {
    let feed: LiveFeed
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        let clientID = try call.caller().key.clientID
        return try respond(to: call) { report in
            guard directory.identity(clientID: clientID) != nil else { return nil }
            return report.map { Bodies.LivePost($0).json } ?? .null
        }
    }

    /// - Parameter show: the part of a report that this reader gets; for nil, a comment, any value. nil as the result
    ///   ends the stream.
    func respond(
        to call: Call, _ show: @escaping @Sendable (PostReport?) -> JSONValue?
    ) throws(Problem) -> Response {
        let (reports, watcher) = try feed.watch(filter(call))
        let body = ResponseBody { writer in
            let output = StreamOutput(writer)
            let stream = LiveStream(reports: reports, watcher: watcher, show: show, output: output)
            try await stream.run()
            try await output.finish()
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: "text/event-stream", .cacheControl: "no-store",
                // nginx would hold the stream back otherwise.
                HTTPField.Name("X-Accel-Buffering")!: "no",
            ], body: body)
    }

    /// - Throws: for a filter that names something that does not exist.
    func filter(_ call: Call) throws(Problem) -> LiveFeed.Filter {
        let caller = try call.caller()
        var filter = LiveFeed.Filter(account: caller.key.account)
        if let text = try call.parameter("section") {
            guard let discriminator = try? Discriminator<Section>(text) else {
                throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
            }
            filter.section = try caller.section(discriminator).discriminator
        }
        if let text = try call.parameter("outcome") {
            guard let outcome = PostReport.Outcome(rawValue: text) else {
                throw Problem(.invalidParameter, "'outcome' is accepted, refused or duplicate.")
            }
            filter.outcome = outcome
        }
        if let text = try call.parameter("event_discriminator") {
            guard let discriminator = try? Discriminator<EventType>(text),
                caller.catalogue.eventType(discriminator) != nil
            else { throw Problem(.invalidParameter, "There is no event type \(text.quoted).") }
            filter.eventType = discriminator
        }
        return filter
    }
}

/// One open stream: what it sends, and when it ends.
private struct LiveStream: Sendable {
    let reports: AsyncStream<PostReport>
    let watcher: LiveFeed.Watcher
    let show: @Sendable (PostReport?) -> JSONValue?
    let output: StreamOutput

    private enum Step: Sendable {
        case report(PostReport)
        case pulse
    }

    /// Ends when the reader goes, when their rights end, when they read nothing any more, when the server stops, and
    /// after its time.
    /// - Throws: when the connection can only be cut.
    func run() async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await tell() }
            group.addTask { await watch() }
            defer { group.cancelAll() }
            try await group.next()
        }
        // A write that was cut off has left the answer half way.
        if output.isWriting { throw StreamEnd.readerStuck }
    }

    private func tell() async throws {
        // At once, so that the reader knows that the stream is open.
        try await output.write(ByteBuffer(string: ": the stream is open\n\n"))
        let pulse = AsyncTimerSequence(interval: Limits.livePulse, clock: .continuous).map { _ in Step.pulse }
        for await step in merge(reports.map { Step.report($0) }, pulse) {
            var text = ""
            let dropped = watcher.takeDropped()
            if dropped > 0 { text += "event: dropped\ndata: {\"count\":\(dropped)}\n\n" }
            switch step {
            case .report(let report):
                guard let json = show(report) else { return }
                text += "event: post\ndata: \(String(decoding: JSONWriter.write(json), as: UTF8.self))\n\n"
            case .pulse:
                guard show(nil) != nil else { return }
                text += ": still here\n\n"
            }
            try await output.write(ByteBuffer(string: text))
        }
    }

    /// When the server stops, it does not wait for a stream, or for a reader who does not read.
    private func watch() async {
        let end = ContinuousClock.now.advanced(by: Limits.liveStreamAge)
        let pulse = AsyncTimerSequence(interval: Limits.livePulse, clock: .continuous)
        for await now in pulse.cancelOnGracefulShutdown() where now >= end || output.isStuck(for: Limits.livePulse) {
            return
        }
    }
}
