/// One entry of the log of definitions and keys.
public struct HistoryEntry: Sendable, Equatable {
    public let number: Int
    public let at: Moment
    /// Name of the API key, or `server`.
    public let actor: String
    /// Empty where the server itself acted.
    public let clientID: String
    /// A stable word such as `event_type.created`.
    public let kind: String
    /// What was done, as a sentence.
    public let words: String
    let hasClientID: Bool

    public init(number: Int, at: Moment, actor: String, clientID: String, kind: String, words: String) {
        self.number = number
        self.at = at
        self.actor = actor
        self.clientID = clientID
        self.kind = kind
        self.words = words
        hasClientID = !clientID.isEmpty
    }
}

/// `GET /console/history?before=`
public struct HistoryPage: ConsolePage {
    public static let template = "history"
    public var title: String { "History" }

    /// The newest first.
    public let entries: [HistoryEntry]
    /// Nil on the last page.
    public let olderHref: String?
    /// Whether these are the newest entries there are.
    public let isNewest: Bool

    public init(entries: [HistoryEntry], olderHref: String?, isNewest: Bool) {
        self.entries = entries
        self.olderHref = olderHref
        self.isNewest = isNewest
    }
}
