/// `GET /console/channels`; created by a post to it, renamed by a post to `/console/channels/{channel}`.
public struct ChannelsPage: ConsolePage {
    public static let template = "channels"
    public var title: String { "Channels" }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let keyspace: Named
        /// Why it cannot be removed; nil: it can.
        public let staysBecause: String?
        /// What stands in its field: its name, or what was typed in place of it.
        public let typed: String
        let error: String?

        public init(
            name: String, discriminator: String, keyspace: Named, staysBecause: String?, typed: String? = nil,
            error: String? = nil
        ) {
            self.name = name
            self.discriminator = discriminator
            self.keyspace = keyspace
            self.staysBecause = staysBecause
            self.typed = typed ?? name
            self.error = error
        }
    }

    public let rows: [Row]
    /// What was typed into the form that creates one, after it failed.
    public let newName: String
    public let keyspaces: [Choice]
    /// `name` is the form that creates; `name:{discriminator}` is the row of a channel.
    public let errors: [FormError]
    let errorLines: [ErrorLine]
    let nameError: String?
    let keyspaceError: String?

    /// - Parameter keyspaces: of which the form that creates one has a choice.
    public init(rows: [Row], newName: String = "", keyspaces: [Choice], errors: [FormError] = []) {
        self.rows = rows.map {
            Row(
                name: $0.name, discriminator: $0.discriminator, keyspace: $0.keyspace, staysBecause: $0.staysBecause,
                typed: $0.typed, error: errors.message(for: "name:\($0.discriminator)"))
        }
        self.newName = newName
        self.keyspaces = keyspaces
        self.errors = errors
        errorLines = errors.lines()
        nameError = errors.message(for: "name")
        keyspaceError = errors.message(for: "keyspace")
    }
}
