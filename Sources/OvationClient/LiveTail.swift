public import OvationWire

/// What hears of posts as they happen.
public protocol LiveObserver: TransferObserver {
    /// What it throws ends the stream.
    func happened(_ post: Received<Bodies.LivePost>) throws
    /// The stream left out posts, because this reader was slow.
    func missed(posts: Int)
}

/// The outcome of posts, as they happen. When the stream ends or breaks, it is opened again; posts until then are not told.
public struct LiveTail: Sendable {
    let client: APIClient
    let query: [QueryParameter]
    let observer: any LiveObserver

    /// - Parameter query: parameters of the endpoint.
    public init(query: [QueryParameter], through client: APIClient, observer: any LiveObserver) {
        self.query = query
        self.client = client
        self.observer = observer
    }

    /// - Throws: ``ClientFailure`` when it cannot be opened, or not again; or what the observer threw.
    public func run() async throws {
        var retries = Retries()
        let lines = Lines()
        while true {
            let failure: ClientFailure
            do {
                try await read(lines)
                // The server ends each stream after a time.
                failure = .cutOff
            } catch let broken as ClientFailure {
                // Nobody waits for a server that was never there.
                guard lines.count > 0, broken.canPass else { throw broken }
                failure = broken
            }
            guard let seconds = retries.pause(progress: lines.count) else { throw failure }
            observer.pauses(after: failure, seconds: seconds)
            try await client.sleep(.seconds(seconds))
        }
    }

    /// All streams together.
    private final class Lines {
        var count = 0
    }

    private func read(_ lines: Lines) async throws {
        let (client, observer) = (client, observer)
        try await client.stream(
            .streamLive, [:], query: query, headers: [("accept", "text/event-stream")], repeating: {}
        ) { parts in
            // The server begins with a comment.
            observer.goesOn()
            var reader = LineReader()
            var event = ""
            while let line = try await reader.next(of: &parts) {
                lines.count += 1
                let (name, value) = LiveTail.field(line)
                switch name {
                case "event": event = value
                case "data": try LiveTail.tell(observer, event, value, client)
                default: break
                }
            }
        }
    }

    /// `event: post` is the field `event` with the value `post`. A comment has no name. Streams of events are read as UTF-8
    /// with replaced bytes (HTML, "event streams"); the value is JSON, which is checked when it is read.
    private static func field(_ line: [UInt8]) -> (name: String, value: String) {
        let parts = line.split(separator: UInt8(ascii: ":"), maxSplits: 1, omittingEmptySubsequences: false)
        let value = parts.count > 1 ? parts[1].drop { $0 == UInt8(ascii: " ") } : []
        return (String(decoding: parts[0], as: UTF8.self), String(decoding: value, as: UTF8.self))
    }

    private static func tell(
        _ observer: any LiveObserver, _ event: String, _ data: String, _ client: APIClient
    ) throws {
        guard ["post", "dropped"].contains(event) else { return }
        guard let json = try? JSONValue(parsing: data) else {
            throw ClientFailure.unreadable(address: client.address, why: "An event of the stream is not valid JSON.")
        }
        if event == "post" {
            try observer.happened(Received(client.read(Bodies.LivePost.self, json), json))
        } else {
            observer.missed(posts: Int(try client.read(Bodies.LiveDropped.self, json).count))
        }
    }
}

extension ClientFailure {
    /// Of a server that was there a moment ago: it can be starting again.
    fileprivate var canPass: Bool {
        if case .unreachable = self { return true }
        return isPassing
    }
}
