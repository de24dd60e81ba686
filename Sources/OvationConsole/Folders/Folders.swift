/// `GET /console/sections/{section}/folders`; created by a post to it, renamed by a post to `…/folders/{folder}`.
public struct FoldersPage: ConsolePage {
    public static let template = "folders"
    public var title: String { "Folders" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let topics: Int
        /// What stands in its field: its name, or what was typed in place of it.
        public let typed: String
        let topicsText: String
        let isEmpty: Bool
        let error: String?

        public init(name: String, discriminator: String, topics: Int, typed: String? = nil, error: String? = nil) {
            self.name = name
            self.discriminator = discriminator
            self.topics = topics
            self.typed = typed ?? name
            self.error = error
            topicsText = topics.counting("topic")
            isEmpty = topics == 0
        }
    }

    public let section: Named
    public let rows: [Row]
    public let window: ListWindow
    /// What was typed into the form that creates one, after it failed.
    public let newName: String
    /// `name` is the form that creates; `name:{discriminator}` is the row of a folder.
    public let errors: [FormError]
    let base: String
    let topicsBase: String
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
                name: $0.name, discriminator: $0.discriminator, topics: $0.topics, typed: $0.typed,
                error: errors.message(for: "name:\($0.discriminator)"))
        }
        base = DataModel.base(section, "folders")
        topicsBase = DataModel.base(section, "topics")
        query = window.query
        tabs = DataModel.tabs(section, current: "folders")
        errorLines = errors.lines()
        nameError = errors.message(for: "name")
    }
}
