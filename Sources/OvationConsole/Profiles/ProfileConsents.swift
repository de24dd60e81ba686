/// A consent of a profile, as its pages show it.
public struct ProfileConsent: Sendable, Equatable {
    public let topic: String
    public let channel: String
    /// In words.
    public let type: String
    /// Whether the person may be written to.
    public let isAllowed: Bool
    public let set: Moment
    /// Name of the API key that set it.
    public let setBy: String
    public let source: String
    public let reason: String

    public init(
        topic: String, channel: String, type: String, isAllowed: Bool, set: Moment, setBy: String, source: String,
        reason: String
    ) {
        self.topic = topic
        self.channel = channel
        self.type = type
        self.isAllowed = isAllowed
        self.set = set
        self.setBy = setBy
        self.source = source
        self.reason = reason
    }
}

/// `GET …/sections/{section}/consents`: the consents of a profile as a table of topics and channels, a form that sets one, and
/// what they were
public struct ProfileConsentsPage: ConsolePage {
    public static let template = "profile_consents"
    public var title: String { "Consents of \(who)" }

    /// A topic, with what the profile has for each channel.
    public struct Row: Sendable, Equatable {
        public let topic: String
        public let cells: [Cell]

        public init(topic: String, cells: [Cell]) {
            self.topic = topic
            self.cells = cells
        }
    }

    public struct Cell: Sendable, Equatable {
        /// nil: there is none.
        public let consent: ProfileConsent?
        /// The topic is for another channel alone.
        public let isImpossible: Bool

        public init(_ consent: ProfileConsent?, isImpossible: Bool = false) {
            self.consent = consent
            self.isImpossible = isImpossible
        }
    }

    public struct Change: Sendable, Equatable {
        public let at: Moment
        public let by: String
        public let topic: String
        public let channel: String
        public let from: String
        public let to: String
        public let source: String
        public let reason: String

        public init(
            at: Moment, by: String, topic: String, channel: String, from: String, to: String, source: String,
            reason: String
        ) {
            self.at = at
            self.by = by
            self.topic = topic
            self.channel = channel
            self.from = from
            self.to = to
            self.source = source
            self.reason = reason
        }
    }

    /// A block on an address of the profile.
    public struct Suppression: Sendable, Equatable {
        public let address: String
        public let channel: String
        public let reason: String

        public init(address: String, channel: String, reason: String) {
            self.address = address
            self.channel = channel
            self.reason = reason
        }
    }

    public let who: String
    public let sectionName: String
    /// Names of the columns.
    public let channels: [String]
    public let rows: [Row]
    /// Of the form. Without topics there is none.
    public let topicChoices: [Choice]
    public let channelChoices: [Choice]
    public let typeChoices: [Choice]
    /// As it was typed.
    public let reason: String
    public let action: String
    /// The profile's page.
    public let back: String
    public let suppressions: [Suppression]
    /// Whether no key of the profile is of a keyspace that manages subscriptions.
    public let isUnmanaged: Bool
    /// The newest first.
    public let changes: [Change]
    /// Nil on the last page.
    public let olderHref: String?
    public let isLaterPage: Bool
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let topicError: String?
    let reasonError: String?
    let hasForm: Bool

    public init(
        who: String, sectionName: String, channels: [String], rows: [Row], topicChoices: [Choice],
        channelChoices: [Choice], typeChoices: [Choice], reason: String, action: String, back: String,
        suppressions: [Suppression], isUnmanaged: Bool, changes: [Change], olderHref: String?, isLaterPage: Bool,
        errors: [FormError] = []
    ) {
        self.who = who
        self.sectionName = sectionName
        self.channels = channels
        self.rows = rows
        self.topicChoices = topicChoices
        self.channelChoices = channelChoices
        self.typeChoices = typeChoices
        self.reason = reason
        self.action = action
        self.back = back
        self.suppressions = suppressions
        self.isUnmanaged = isUnmanaged
        self.changes = changes
        self.olderHref = olderHref
        self.isLaterPage = isLaterPage
        self.errors = errors
        errorLines = errors.lines()
        topicError = errors.message(for: "topic")
        reasonError = errors.message(for: "reason")
        hasForm = !topicChoices.isEmpty && !isUnmanaged
    }
}
