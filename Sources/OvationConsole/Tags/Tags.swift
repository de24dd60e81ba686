/// `GET /console/sections/{section}/tags`; created by a post to it, changed by a post to `…/tags/{tag}`.
public struct TagsPage: ConsolePage {
    public static let template = "tags"
    public var title: String { "Tags" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let id: String
        public let isHidden: Bool
        /// What stands in its field: its name, or what was typed in place of it.
        public let typed: String
        let error: String?

        public init(
            name: String, discriminator: String, id: String, isHidden: Bool, typed: String? = nil, error: String? = nil
        ) {
            self.name = name
            self.typed = typed ?? name
            self.discriminator = discriminator
            self.id = id
            self.isHidden = isHidden
            self.error = error
        }
    }

    public let section: Named
    public let rows: [Row]
    public let window: ListWindow
    /// What was typed into the form that creates one, after it failed.
    public let newName: String
    /// `name` is the form that creates; `name:{discriminator}` is the row of a tag.
    public let errors: [FormError]
    let base: String
    let query: String
    let tabs: [Link]
    let errorLines: [ErrorLine]
    let nameError: String?

    public init(section: Named, rows: [Row], window: ListWindow, newName: String = "", errors: [FormError] = []) {
        self.section = section
        self.window = window
        self.newName = newName
        self.errors = errors
        self.rows = rows.map {
            Row(
                name: $0.name, discriminator: $0.discriminator, id: $0.id, isHidden: $0.isHidden,
                typed: $0.typed, error: errors.message(for: "name:\($0.discriminator)"))
        }
        base = DataModel.base(section, "tags")
        query = window.query
        tabs = DataModel.tabs(section, current: "tags")
        errorLines = errors.lines()
        nameError = errors.message(for: "name")
    }
}
