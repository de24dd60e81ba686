/// `GET /console/live?section=&outcome=&event_discriminator=`: posts as they happen.
public struct LivePage: ConsolePage {
    public static let template = "live"
    public var title: String { "Live" }

    /// Sections; the page adds `All sections` before them.
    public let sections: [Choice]
    /// Outcomes `accepted`, `refused` and `duplicate`; the page adds `All outcomes`.
    public let outcomes: [Choice]
    /// By discriminator; the page adds `All event types`.
    public let eventTypes: [Choice]
    /// Where the server sends events from, with the same filter.
    public let streamHref: String

    public init(sections: [Choice], outcomes: [Choice], eventTypes: [Choice], streamHref: String) {
        self.sections = sections
        self.outcomes = outcomes
        self.eventTypes = eventTypes
        self.streamHref = streamHref
    }
}
