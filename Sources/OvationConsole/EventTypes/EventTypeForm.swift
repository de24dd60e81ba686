/// `GET …/event-types/new` and `GET …/event-types/{event}/edit`; after a failed post, the same page with `errors`.
public struct EventTypeFormPage: ConsolePage {
    public static let template = "event_type_form"
    public var title: String { heading }

    public struct FieldRow: Sendable, Equatable {
        public let name: String
        /// `string`, `integer`, `double` or `boolean`.
        public let type: String
        public let required: Bool

        public init(name: String = "", type: String = "string", required: Bool = false) {
            self.name = name
            self.type = type
            self.required = required
        }
    }

    /// What an edit keeps and sends back.
    public struct Editing: Sendable, Equatable {
        public let discriminator: String
        /// What the form was made from, to detect changes by others meanwhile.
        public let seen: String

        public init(discriminator: String, seen: String) {
            self.discriminator = discriminator
            self.seen = seen
        }
    }

    /// Changes that others made while the form was open.
    public struct Conflict: Sendable, Equatable {
        public let who: String
        public let at: Moment
        /// In words, a line each.
        public let what: [String]

        public init(who: String, at: Moment, what: [String]) {
            self.who = who
            self.at = at
            self.what = what
        }
    }

    public let section: Named
    /// Nil for a new event type.
    public let editing: Editing?
    /// Of a new event type: the random end of its discriminator, so that the preview shows the real one.
    public let suffix: String
    /// The name before the edit; for the heading.
    public let originalName: String
    public let name: String
    /// `transaction`, `conversion` or `signal`; empty while nothing is chosen.
    public let category: String
    /// The description.
    public let summary: String
    /// Without `source`, which every event type has.
    public let fields: [FieldRow]
    /// Every keyspace of the account.
    public let keyspaces: [KeyspaceAccess]
    public let errors: [FormError]
    public let conflict: Conflict?
    public let preview: EventTypePreview?
    let heading: String
    let action: String
    let cancel: String
    /// What the buttons send.
    let submit: Link
    let draftText: String
    let rows: [Row]
    let categories: [Choice]
    let retentions: [Choice]
    let errorLines: [ErrorLine]
    let nameError: String?
    let categoryError: String?
    let summaryError: String?
    let retentionError: String?
    let keyspacesError: String?

    /// A field's row with all that its controls need.
    struct Row: Sendable, Equatable {
        let index: Int
        let number: Int
        let name: String
        let required: Bool
        let types: [Choice]
        let error: String?
        let typeError: String?
    }

    public init(
        section: Named, editing: Editing? = nil, suffix: String = "", originalName: String = "", name: String,
        category: String, summary: String, retention: String = "", retentionWords: String = "", fields: [FieldRow],
        keyspaces: [KeyspaceAccess], errors: [FormError] = [], conflict: Conflict? = nil,
        preview: EventTypePreview? = nil
    ) {
        self.section = section
        self.editing = editing
        self.suffix = suffix
        self.originalName = originalName
        self.name = name
        self.category = category
        self.summary = summary
        self.fields = fields
        self.keyspaces = keyspaces
        self.errors = errors
        self.conflict = conflict
        self.preview = preview
        heading = editing == nil ? "Create a custom event" : "Edit \(originalName)"
        let base = EventTypePage.base(section)
        let own = editing.map { "\(base)/\($0.discriminator)" }
        action = own.map { $0 + "/edit" } ?? base
        cancel = own ?? base
        submit =
            editing == nil ? Link(text: "Create event type", href: "create") : Link(text: "Save changes", href: "save")
        draftText = editing == nil ? "Save as draft" : "Save as draft version"
        rows = Self.rows(fields, errors: errors)
        categories = Self.categories(selected: category)
        retentions = Self.retentions(selected: retention, words: retentionWords)
        let controls = fields.indices.flatMap { ["field_name_\($0)", "field_type_\($0)"] }
        errorLines = errors.lines(
            inOrderOf: ["name", "category", "description"] + controls + ["keyspaces", "retention"])
        nameError = errors.message(for: "name")
        categoryError = errors.message(for: "category")
        summaryError = errors.message(for: "description")
        retentionError = errors.message(for: "retention")
        keyspacesError = errors.message(for: "keyspaces")
    }

    private static func rows(_ fields: [FieldRow], errors: [FormError]) -> [Row] {
        fields.enumerated().map { index, field in
            Row(
                index: index, number: index + 1, name: field.name, required: field.required,
                types: ["string", "integer", "double", "boolean"].map {
                    Choice(value: $0, label: $0, selected: $0 == field.type)
                },
                error: errors.message(for: "field_name_\(index)"), typeError: errors.message(for: "field_type_\(index)")
            )
        }
    }

    /// What people mostly want. Another one that the API has set is there too.
    private static func retentions(selected: String, words: String) -> [Choice] {
        let usual = [
            ("", "for good"), ("P30D", "30 days"), ("P90D", "90 days"), ("P180D", "180 days"), ("P1Y", "1 year"),
            ("P2Y", "2 years"), ("P3Y", "3 years"), ("P5Y", "5 years"), ("P7Y", "7 years"), ("P10Y", "10 years"),
        ]
        let other = usual.contains { $0.0 == selected } ? [] : [(selected, words)]
        return (usual + other).map { Choice(value: $0.0, label: $0.1, selected: $0.0 == selected) }
    }

    private static func categories(selected: String) -> [Choice] {
        [
            ("transaction", "Something was bought, paid or booked."),
            ("conversion", "A goal was reached, such as a signup or a download."),
            ("signal", "Anything else worth knowing, such as a visit or a click."),
        ].map { Choice(value: $0.0, label: $0.0, hint: $0.1, selected: $0.0 == selected) }
    }
}

/// What the form would make; posted to `{action}/preview` and shown beside it.
public struct EventTypePreview: ConsoleFragment, Equatable {
    public static let template = "event_type_preview"

    /// Of an edit only.
    public struct Plan: Sendable, Equatable {
        /// What changes, a line each; empty when nothing does.
        public let changes: [String]
        /// What it breaks, a line each.
        public let warnings: [String]
        public let makesVersion: Bool
        let isEmpty: Bool
        /// What becomes of the versions, in a few words.
        let versions: String

        /// - Parameter isDraft: whether the version that it makes is a draft.
        public init(changes: [String], warnings: [String], makesVersion: Bool, isDraft: Bool = false) {
            versions = makesVersion ? isDraft ? "Makes a draft" : "Makes a new version" : "No new version"
            self.changes = changes
            self.warnings = warnings
            self.makesVersion = makesVersion
            isEmpty = changes.isEmpty
        }
    }

    public let discriminator: String
    /// As the API will list it, indented; of a draft, which is not listed, all of the event type.
    public let json: String
    /// Whether it will be saved as a draft.
    public let isDraft: Bool
    /// The curl command that will post an event of it.
    public let command: String
    public let plan: Plan?
    /// Why it could not be saved as it is, a line each.
    public let problems: [String]
    /// What a screen reader hears when the preview is new.
    let words: String
    let hasCommand: Bool

    public init(
        discriminator: String, json: String, command: String, isDraft: Bool = false, plan: Plan? = nil,
        problems: [String] = []
    ) {
        self.isDraft = isDraft
        self.discriminator = discriminator
        self.json = json
        self.command = command
        self.plan = plan
        self.problems = problems
        hasCommand = !command.isEmpty
        words = problems.isEmpty ? "The preview is up to date." : problems.joined(separator: " ")
    }
}
