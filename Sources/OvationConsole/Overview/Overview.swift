import OvationCore

/// `GET /console`: how the server is doing.
public struct OverviewPage: ConsolePage {
    public static let template = "overview"
    public var title: String { "Overview" }

    /// Events per minute, the oldest first; 60 numbers each.
    public struct Traffic: Sendable, Equatable {
        public let accepted: [Int]
        public let refused: [Int]
        public let duplicates: [Int]
        /// Start of the first minute.
        public let from: Moment
        /// End of the last minute.
        public let until: Moment
        /// From when on events are counted, where that is after the first minute began.
        public let since: Moment?
        let charts: [MinuteChart]
        let minutes: [MinuteRow]

        /// Whether nothing came, as far as it was counted.
        public var isEmpty: Bool { (accepted + refused + duplicates).allSatisfy { $0 == 0 } }

        public init(
            accepted: [Int], refused: [Int], duplicates: [Int], from: Moment, until: Moment, since: Moment? = nil
        ) {
            self.since = since
            self.accepted = accepted
            self.refused = refused
            self.duplicates = duplicates
            self.from = from
            self.until = until
            charts = [
                MinuteChart(kind: "accepted", label: "Accepted", values: accepted),
                MinuteChart(kind: "refused", label: "Refused", values: refused),
                MinuteChart(kind: "duplicate", label: "Duplicates", values: duplicates),
            ]
            let start = Timestamp(rfc3339: from.iso)
            minutes = accepted.indices.reversed().compactMap { minute in
                let counts = [accepted, refused, duplicates].map { $0.indices.contains(minute) ? $0[minute] : 0 }
                guard counts.contains(where: { $0 > 0 }) else { return nil }
                return start.map {
                    MinuteRow(
                        at: Moment(iso: $0.advanced(by: .seconds(60 * minute)).rfc3339), accepted: counts[0].grouped,
                        refused: counts[1].grouped, duplicates: counts[2].grouped)
                }
            }
        }
    }

    /// A minute in which something happened, for the table beside the charts.
    struct MinuteRow: Sendable, Equatable {
        let at: Moment
        let accepted: String
        let refused: String
        let duplicates: String
    }

    /// The store and the process. Texts are complete with their units.
    public struct Health: Sendable, Equatable {
        public let commitMedian: String
        public let commitP99: String
        public let storeSize: String
        public let eventsStored: Int
        public let postsWaiting: Int
        public let uptime: String
        public let version: String
        public let region: String
        let eventsText: String
        let waitingText: String

        public init(
            commitMedian: String, commitP99: String, storeSize: String, eventsStored: Int, postsWaiting: Int,
            uptime: String, version: String, region: String
        ) {
            self.commitMedian = commitMedian
            self.commitP99 = commitP99
            self.storeSize = storeSize
            self.eventsStored = eventsStored
            self.postsWaiting = postsWaiting
            self.uptime = uptime
            self.version = version
            self.region = region
            eventsText = eventsStored.grouped
            waitingText = postsWaiting.grouped
        }
    }

    public struct ServerError: Sendable, Equatable {
        public let at: Moment
        public let endpoint: String
        public let code: String
        public let detail: String
        public let requestID: String

        public init(at: Moment, endpoint: String, code: String, detail: String, requestID: String) {
            self.at = at
            self.endpoint = endpoint
            self.code = code
            self.detail = detail
            self.requestID = requestID
        }
    }

    public struct Refusal: Sendable, Equatable {
        public let at: Moment
        /// Name of the event type, or the problem's code where there is none.
        public let what: String
        public let detail: String
        /// The rejection, if it is kept.
        public let href: String?

        public init(at: Moment, what: String, detail: String, href: String?) {
            self.at = at
            self.what = what
            self.detail = detail
            self.href = href
        }
    }

    /// A step of the article "Post Custom Events to Profiles".
    public struct Step: Sendable, Equatable {
        public let heading: String
        public let explanation: String
        /// To paste into a terminal; nil where the step is done in the console, with `link`.
        public let command: String?
        public let link: Link?
        public let done: Bool

        public init(heading: String, explanation: String, command: String? = nil, link: Link? = nil, done: Bool) {
            self.heading = heading
            self.explanation = explanation
            self.command = command
            self.link = link
            self.done = done
        }
    }

    public let traffic: Traffic
    /// Events accepted in the last 60 minutes, the most frequent type first.
    public let eventTypes: [EventTypeCount]
    public let health: Health
    public let serverErrors: [ServerError]
    /// Refused posts that are kept and not dealt with, the newest first.
    public let refusals: [Refusal]
    /// Whether refused posts are kept at all.
    public let keepsRefusals: Bool
    public let steps: [Step]
    /// Whether there is nothing to show of any post: then the steps come first.
    public let isEmpty: Bool
    let bars: [BarRow]
    let numberedSteps: [NumberedStep]

    struct NumberedStep: Sendable, Equatable {
        let number: Int
        let step: Step
    }

    public init(
        traffic: Traffic, eventTypes: [EventTypeCount], health: Health, serverErrors: [ServerError],
        refusals: [Refusal], keepsRefusals: Bool, steps: [Step], isEmpty: Bool
    ) {
        self.traffic = traffic
        self.eventTypes = eventTypes
        self.health = health
        self.serverErrors = serverErrors
        self.refusals = refusals
        self.keepsRefusals = keepsRefusals
        self.steps = steps
        self.isEmpty = isEmpty
        bars = BarRow.rows(eventTypes)
        numberedSteps = steps.enumerated().map { NumberedStep(number: $0.offset + 1, step: $0.element) }
    }
}
