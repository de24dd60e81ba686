/// What the lists of rejections are narrowed by.
public struct RejectionFilterForm: Sendable, Equatable {
    /// `By cause`, `One by one`.
    public let views: [Link]
    /// Whether it is the list of single rejections, which can be searched.
    public let isList: Bool
    /// Sections; the form adds `All sections`, and so on.
    public let sections: [Choice]
    public let codes: [Choice]
    public let itemCodes: [Choice]
    public let eventTypes: [Choice]
    /// `open`, `replayed`, or empty for both.
    public let state: String
    /// What is searched for.
    public let query: String
    /// Whether any filter is set: tells the two empty states apart.
    public let isFiltered: Bool
    public let clearHref: String
    let states: [Choice]

    public init(
        views: [Link], isList: Bool, sections: [Choice], codes: [Choice], itemCodes: [Choice], eventTypes: [Choice],
        state: String = "", query: String = "", isFiltered: Bool, clearHref: String
    ) {
        self.views = views
        self.isList = isList
        self.sections = sections
        self.codes = codes
        self.itemCodes = itemCodes
        self.eventTypes = eventTypes
        self.state = state
        self.query = query
        self.isFiltered = isFiltered
        self.clearHref = clearHref
        states = [("open", "Open"), ("replayed", "Replayed")].map {
            Choice(value: $0.0, label: $0.1, selected: $0.0 == state)
        }
    }
}

/// Why posts were refused, in words.
public struct CauseText: Sendable, Equatable {
    /// The code of the first error, or of the answer.
    public let code: String
    /// Of the answer, where that is another one.
    public let outerCode: String?
    /// JSON pointer with `*` for the position; nil: the post as a whole.
    public let pointer: String?
    /// Of the event type, or its discriminator; nil: not known.
    public let eventType: String?
    public let section: String
    /// Name of the API key.
    public let client: String
    let sentence: String

    public init(
        code: String, outerCode: String?, pointer: String?, eventType: String?, section: String, client: String
    ) {
        self.code = code
        self.outerCode = outerCode
        self.pointer = pointer
        self.eventType = eventType
        self.section = section
        self.client = client
        sentence = CauseText.sentences[code] ?? ""
    }

    /// Codes of errors that a post can have, with what they mean.
    static let sentences: [String: String] = [
        "missing_member": "Something that every event needs is missing.",
        "missing_field": "A required field is missing.",
        "unknown_field": "The version has no field of this name.",
        "duplicate_member": "The same name is given more than once.",
        "wrong_type": "The value has another type than the field.",
        "nested_value": "The value is an object or a list.",
        "number_out_of_range": "The number is larger than a field can hold.",
        "text_too_long": "The text is too long.",
        "invalid_time": "This is not a date and time.",
        "time_out_of_range": "The time is too far ahead, or before 1970.",
        "invalid_version_id": "This is not a version id.",
        "unknown_version": "The section has no version with this id.",
        "draft_version": "The version is a draft.",
        "event_type_removed": "The event type was removed.",
        "event_type_forbidden": "The keyspace may not write events of this type.",
        "invalid_value": "The value is not one of the possible ones.",
        "invalid_json": "The body is not JSON.",
        "invalid_profile_key": "The profile key does not fit its keyspace.",
        "too_many_items": "There are too many events in one post.",
        "invalid_encoding": "The body does not match its Content-Encoding.",
    ]

    public static let itemCodes = [
        "draft_version", "duplicate_member", "event_type_forbidden", "event_type_removed", "invalid_time",
        "invalid_value", "invalid_version_id", "missing_field", "missing_member", "nested_value",
        "number_out_of_range", "text_too_long", "time_out_of_range", "unknown_field", "unknown_version", "wrong_type",
    ]
}

/// `GET /console/rejections`: open rejections by their cause.
public struct RejectionCausesPage: ConsolePage {
    public static let template = "rejection_causes"
    public var title: String { "Rejections" }

    public struct Row: Sendable, Equatable {
        public let cause: CauseText
        public let rejections: Int
        public let events: Int
        public let first: Moment
        public let last: Moment
        public let href: String
        let rejectionsText: String
        let eventsText: String

        public init(
            cause: CauseText, rejections: Int, events: Int, first: Moment, last: Moment, href: String
        ) {
            self.cause = cause
            self.rejections = rejections
            self.events = events
            self.first = first
            self.last = last
            self.href = href
            rejectionsText = rejections.grouped
            eventsText = events.grouped
        }
    }

    public let isOn: Bool
    public let retention: String
    public let filter: RejectionFilterForm
    public let rows: [Row]
    let total: String
    let omitted: String?

    /// - Parameters:
    ///   - rejections: open ones that the filter leaves, of all causes.
    ///   - omitted: causes that are not listed.
    public init(
        isOn: Bool, retention: String, filter: RejectionFilterForm, rows: [Row], rejections: Int, omitted: Int
    ) {
        self.isOn = isOn
        self.retention = retention
        self.filter = filter
        self.rows = rows
        total = rejections.counting("open rejection") + " of " + (rows.count + omitted).counting("cause") + "."
        self.omitted =
            omitted > 0
            ? omitted.counting("more cause has", "more causes have")
                + " at most as many rejections as these. Use a filter to see them."
            : nil
    }
}

/// `GET /console/rejections/causes/{cause}`: one cause and its open rejections.
public struct RejectionCausePage: ConsolePage {
    public static let template = "rejection_cause"
    public var title: String { "Rejections: \(cause.code)" }

    public struct Row: Sendable, Equatable {
        public let at: Moment
        public let href: String
        public let keyspace: String
        /// The profile key.
        public let key: String
        /// Where the first error is.
        public let place: String
        let eventsText: String
        let errorsText: String

        public init(
            at: Moment, href: String, keyspace: String, key: String, place: String, events: Int?, errors: Int
        ) {
            self.at = at
            self.href = href
            self.keyspace = keyspace
            self.key = key
            self.place = place.isEmpty ? "whole body" : place
            eventsText = events?.grouped ?? "–"
            errorsText = errors.grouped
        }
    }

    public let summary: RejectionCausesPage.Row
    public let rows: [Row]
    public let olderHref: String?
    var cause: CauseText { summary.cause }

    public init(summary: RejectionCausesPage.Row, rows: [Row], olderHref: String?) {
        self.summary = summary
        self.rows = rows
        self.olderHref = olderHref
    }
}

/// `/console/rejections/causes/{cause}/replay` and `…/dismiss`: what would become of the rejections, how far it is, and
/// what became of them.
public struct CauseActPage: ConsolePage {
    public static let template = "rejection_cause_act"
    public var title: String { heading }

    public enum Phase: Sendable {
        /// Nothing is changed yet.
        case preview
        case running
        case done
    }

    public struct Failure: Sendable, Equatable {
        public let cause: CauseText
        public let count: String
        public let href: String

        public init(cause: CauseText, count: Int, href: String) {
            self.cause = cause
            self.count = count.grouped
            self.href = href
        }
    }

    public let cause: CauseText
    public let isDismissal: Bool
    /// The page of the cause.
    public let causeHref: String
    public let action: String
    public let through: String
    public let after: String
    /// The report so far, which the form brings back.
    public let report: String
    public let failures: [Failure]
    let heading: String
    let intro: String?
    let lines: [String]
    let isPreview: Bool
    let isRunning: Bool
    let isDone: Bool
    let looked: Int
    let total: Int
    let progress: String
    let mayCheckMore: Bool
    let button: String
    let isOfNone: Bool

    /// - Parameters:
    ///   - total: rejections that the act is about.
    ///   - closed: rejections that somebody else dealt with meanwhile.
    public init(
        cause: CauseText, isDismissal: Bool, phase: Phase, causeHref: String, action: String, through: String,
        after: String, report: String, passed: Int, events: Int, failed: Int, closed: Int, total: Int,
        failures: [Failure], failuresOmitted: Int
    ) {
        self.cause = cause
        self.isDismissal = isDismissal
        self.causeHref = causeHref
        self.action = action
        self.through = through
        self.after = after
        self.report = report
        self.failures = failures
        isPreview = phase == .preview
        isRunning = phase == .running
        isDone = phase == .done
        looked = min(passed + failed + closed, total)
        self.total = total
        mayCheckMore = phase == .preview && !after.isEmpty
        isOfNone = total == 0
        let all = total.counting("rejection")
        progress = "\(looked.grouped) of \(all)"
        button = (isDismissal ? "Dismiss " : "Replay ") + all
        switch phase {
        case .preview: heading = (isDismissal ? "Dismiss " : "Replay ") + all + "?"
        case .running: heading = "Replaying"
        case .done: heading = "Replayed"
        }
        let deleted = "They are deleted with their bodies. Their events were not stored, and will not be."
        let checked = "Of the \(looked.grouped) that were checked:"
        let introduction = (isPreview && isDismissal ? [deleted] : []) + (mayCheckMore ? [checked] : [])
        intro = introduction.isEmpty ? nil : introduction.joined(separator: " ")
        var lines: [String] = []
        if phase == .preview {
            lines.append("\(passed.counting("rejection")) would pass now, with \(events.counting("event")).")
            lines.append("\(failed.counting("rejection")) would be refused again.")
        } else {
            lines.append(
                "\(passed.counting("rejection is", "rejections are")) replayed: \(events.counting("event is", "events are")) stored."
            )
            lines.append(
                failed == 0
                    ? "None was refused again."
                    : "\(failed.counting("rejection was", "rejections were")) refused again and \(failed == 1 ? "stays" : "stay") open."
            )
            if closed > 0 {
                lines.append(
                    "\(closed.counting("rejection was", "rejections were")) replayed or dismissed by another person meanwhile."
                )
            }
        }
        if failuresOmitted > 0 {
            lines.append("\(failuresOmitted.counting("rejection")) of these for reasons that are not listed here.")
        }
        self.lines = lines
    }
}
