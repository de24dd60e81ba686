/// `GET /console/sections/{section}/topics`; created by a post to it, renamed by a post to `…/topics/{topic}`.
public struct TopicsPage: ConsolePage {
    public static let template = "topics"
    public var title: String { "Topics" }

    /// What people have said about a topic, by one channel.
    public struct Consents: Sendable, Equatable {
        public let channel: String
        let text: String

        /// - Parameters:
        ///   - optIns: those that are confirmed among them.
        ///   - pending: that wait for a confirmation.
        public init(channel: String, optIns: Int, pending: Int, optOuts: Int) {
            self.channel = channel
            let waiting = pending == 0 ? [] : ["\(pending) not confirmed"]
            text = ([optIns.counting("opt-in")] + waiting + [optOuts.counting("opt-out")]).joined(separator: ", ")
        }
    }

    public struct Row: Sendable, Equatable {
        public let name: String
        public let discriminator: String
        public let folder: String
        /// nil: any.
        public let channel: String?
        /// What stands in its field: its name, or what was typed in place of it.
        public let typed: String
        /// By channel. A channel by which nobody has said anything is left out.
        public let consents: [Consents]
        let error: String?

        public init(
            name: String, discriminator: String, folder: String, channel: String?, consents: [Consents] = [],
            typed: String? = nil, error: String? = nil
        ) {
            self.name = name
            self.discriminator = discriminator
            self.folder = folder
            self.channel = channel
            self.consents = consents
            self.typed = typed ?? name
            self.error = error
        }
    }

    public let section: Named
    public let rows: [Row]
    public let window: ListWindow
    /// What was typed into the form that creates one, after it failed.
    public let newName: String
    /// Of which the form that creates one has a choice. Without a folder there is no form.
    public let folders: [Choice]
    public let channels: [Choice]
    /// `name` is the form that creates; `name:{discriminator}` is the row of a topic.
    public let errors: [FormError]
    let base: String
    let foldersBase: String
    let query: String
    let tabs: [Link]
    let errorLines: [ErrorLine]
    let nameError: String?
    let folderError: String?
    let channelError: String?

    public init(
        section: Named, rows: [Row], window: ListWindow, newName: String = "", folders: [Choice], channels: [Choice],
        errors: [FormError] = []
    ) {
        self.section = section
        self.window = window
        self.newName = newName
        self.folders = folders
        self.channels = channels
        self.errors = errors
        self.rows = rows.map {
            Row(
                name: $0.name, discriminator: $0.discriminator, folder: $0.folder, channel: $0.channel,
                consents: $0.consents, typed: $0.typed, error: errors.message(for: "name:\($0.discriminator)"))
        }
        base = DataModel.base(section, "topics")
        foldersBase = DataModel.base(section, "folders")
        query = window.query
        tabs = DataModel.tabs(section, current: "topics")
        errorLines = errors.lines()
        nameError = errors.message(for: "name")
        folderError = errors.message(for: "folder")
        channelError = errors.message(for: "channel")
    }
}

/// `GET /console/sections/{section}/topics/{topic}/move`
public struct TopicMovePage: ConsolePage {
    public static let template = "topic_move"
    public var title: String { "Move ‘\(topic.name)’" }

    public let topic: Named
    public let folders: [Choice]
    let list: String
    let action: String

    public init(section: Named, topic: Named, folders: [Choice]) {
        self.topic = topic
        self.folders = folders
        list = DataModel.base(section, "topics")
        action = "\(list)/\(topic.discriminator)/move"
    }
}
