/// `GET …/attributes/new` and `GET …/attributes/{attribute}/edit`; after a failed post, the same page with `errors`.
public struct AttributeFormPage: ConsolePage {
    public static let template = "attribute_form"
    public var title: String { heading }

    public let section: Named
    /// Nil for a new attribute.
    public let editing: EventTypeFormPage.Editing?
    /// Of a new attribute: the random end of its discriminator, so that the preview shows the real one.
    public let suffix: String
    public let originalName: String
    public let name: String
    /// The description.
    public let summary: String
    public let kinds: [Choice]
    /// Every keyspace of the account.
    public let keyspaces: [KeyspaceAccess]
    public let errors: [FormError]
    public let conflict: EventTypeFormPage.Conflict?
    public let preview: EventTypePreview?
    let heading: String
    let action: String
    let cancel: String
    /// What the buttons send.
    let submit: Link
    let draftText: String
    let errorLines: [ErrorLine]
    let nameError: String?
    let kindError: String?
    let summaryError: String?
    let keyspacesError: String?

    public init(
        section: Named, editing: EventTypeFormPage.Editing? = nil, suffix: String = "", originalName: String = "",
        name: String, summary: String, kinds: [Choice], keyspaces: [KeyspaceAccess], errors: [FormError] = [],
        conflict: EventTypeFormPage.Conflict? = nil, preview: EventTypePreview? = nil
    ) {
        self.section = section
        self.editing = editing
        self.suffix = suffix
        self.originalName = originalName
        self.name = name
        self.summary = summary
        self.kinds = kinds
        self.keyspaces = keyspaces
        self.errors = errors
        self.conflict = conflict
        self.preview = preview
        heading = editing == nil ? "Create an attribute" : "Edit \(originalName)"
        let base = DataModel.base(section, "attributes")
        let own = editing.map { "\(base)/\($0.discriminator)" }
        action = own.map { $0 + "/edit" } ?? base
        cancel = own ?? base
        submit =
            editing == nil ? Link(text: "Create attribute", href: "create") : Link(text: "Save changes", href: "save")
        draftText = editing == nil ? "Save as draft" : "Save as draft version"
        errorLines = errors.lines(inOrderOf: ["name", "kind", "description", "keyspaces"])
        nameError = errors.message(for: "name")
        kindError = errors.message(for: "kind")
        summaryError = errors.message(for: "description")
        keyspacesError = errors.message(for: "keyspaces")
    }
}
