import ArgumentParser
import OvationClient
import OvationCore
import OvationWire
import Synchronization

extension EventsCommand {
    struct Tail: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Show posts as they happen: accepted, refused and repeated ones.",
            discussion: """
                It needs an admin API key, and goes on until you stop it. When the stream breaks, the command opens it again, \
                and says so on standard error: posts until then are not shown. Each line has the time, the outcome, the \
                number of events, the section, keyspace and profile key, and the event types or the reason.

                Examples:
                  ovation events tail
                  ovation events tail --outcome refused --section Shop
                  ovation events tail --json --limit 10
                """)

        @OptionGroup var connection: ConnectionOptions
        @Option(help: "Only posts to this section, by its discriminator or name.") var section: String?
        @Option(help: "Only posts with this outcome: accepted, refused or duplicate.") var outcome: String?
        @Option(help: "Only posts with this event type, by its discriminator or name.") var eventType: String?
        @Option(help: "End after this number of posts. (default: never)") var limit: Int?
        @Flag(help: "One JSON object a line.") var json = false

        func validate() throws {
            guard limit.map({ $0 > 0 }) ?? true else { throw ValidationError("--limit is 1 or more.") }
        }

        func run() async throws {
            let client = try connection.client()
            let section = try await client.section(ifNamed: section)
            let event = try await client.eventType(ifNamed: eventType, in: section)
            let filters = [("section", section), ("outcome", outcome), ("event_discriminator", event)]
            let query = filters.compactMap { name, value in value.map { (name, $0) } }
            let printer = LivePrinter(limit: limit ?? .max, isJSON: json)
            do {
                try await LiveTail(query: query, through: client, observer: printer).run()
            } catch is LivePrinter.Enough {}
        }
    }
}

/// Prints each post when it happens.
private final class LivePrinter: LiveObserver {
    struct Enough: Error {}

    private let left: Mutex<Int>
    private let isJSON: Bool

    init(limit: Int, isJSON: Bool) {
        left = Mutex(limit)
        self.isJSON = isJSON
    }

    func happened(_ post: Received<Bodies.LivePost>) throws {
        if isJSON {
            try Output.print(json: JSONWriter.write(post.json))
        } else {
            try Output.print(LivePrinter.line(post.content))
        }
        // Who reads it waits for it.
        try Output.flush()
        let left = left.withLock { left in
            left -= 1
            return left
        }
        guard left > 0 else { throw Enough() }
    }

    func missed(posts: Int) {
        StandardError.writeLine("\(Figures.count(posts, of: "post")) not shown: too many at a time")
    }

    func pauses(after failure: ClientFailure, seconds: Int) {
        StandardError.writeLine(
            "\(failure.reason); the stream is opened again in \(Figures.count(seconds, of: "second"))")
    }

    func goesOn() { StandardError.writeLine("waiting for posts") }

    private static func line(_ post: Bodies.LivePost) -> String {
        let place = [post.keyspaceDiscriminator, post.profileKey].compactMap { $0 }.joined(separator: " ")
        let types = post.types.map { "\($0.name) \($0.eventCount)" }.joined(separator: ", ")
        let reason = [post.code, post.detail].compactMap { $0 }.joined(separator: ": ")
        let words = [
            post.at.rfc3339, post.outcome.rawValue, Figures.count(Int(post.eventCount), of: "event"),
            post.sectionDiscriminator, place, types, reason,
        ]
        return words.filter { !$0.isEmpty }.joined(separator: "  ")
    }
}
