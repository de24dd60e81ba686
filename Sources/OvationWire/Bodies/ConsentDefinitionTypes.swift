public import OvationCore

// Channels, folders and topics.

extension Bodies {
    static let channelSchema = Schema.discriminator("usercreated.channels.push-98h3ud5p4v")
    static let folderSchema = Schema.discriminator("usercreated.targets.newsletters-3ayb7167e4")
    static let topicSchema = Schema.discriminator("usercreated.topics.weekly_offers-cbyntm8qnw")
    private static let keyspaceSchema = Schema.discriminator("com.apsis1.keyspaces.mobile")

    public struct Channel: Body {
        public var discriminator = ""
        public var name = ""
        public var keyspaceDiscriminator: String?
        public init() {}

        public static let summary = "A channel: a way to reach a person."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The stable id of the channel.", channelSchema)
            $0.required("name", \.name, "A name for people.", .string(example: "Push"))
            $0.optional(
                "keyspace_discriminator", \.keyspaceDiscriminator,
                "The keyspace whose keys are its addresses; left out where the API key may not use it.",
                keyspaceSchema)
        }
    }

    public struct Channels: ListBody {
        public var items: [Channel] = []
        public init() {}

        public static let summary = "The channels of the account."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The built-in ones first, then in the order they were made in.")
        }
    }

    public struct ChannelRequest: Body {
        public var name = ""
        public var keyspaceDiscriminator = ""
        public var discriminator: Discriminator<OvationCore.Channel>?
        public init() {}

        public static let summary = "A channel to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Push"))
            $0.required(
                "keyspace_discriminator", \.keyspaceDiscriminator,
                "The keyspace whose keys are its addresses. It is fixed for good.", keyspaceSchema)
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.channels.push-98h3ud5p4v"))
        }
    }

    public struct ChannelChange: Body {
        public var name: String?
        public var discriminator: Discriminator<OvationCore.Channel>?
        public var keyspaceDiscriminator: Discriminator<OvationCore.Keyspace>?
        public init() {}

        public static let summary = "What to change of a channel."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Push"))
            $0.optional("discriminator", \.discriminator, fixed, channelSchema, isInExample: false)
            $0.optional(
                "keyspace_discriminator", \.keyspaceDiscriminator, fixed, keyspaceSchema, isInExample: false)
        }
    }
}

// MARK: - Folders

extension Bodies {
    public struct Folder: Body {
        public var discriminator = ""
        public var name = ""
        public var description = ""
        public init() {}

        public static let summary = "A folder: a group of topics in a section."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The stable id of the folder.", folderSchema)
            $0.required("name", \.name, "A name for people.", .string(example: "Newsletters"))
            $0.required("description", \.description, "What it is, for people.", .string(example: "All we send."))
        }
    }

    public struct Folders: ListBody {
        public var items: [Folder] = []
        public init() {}

        public static let summary = "The folders of a section."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct FolderRequest: Body {
        public var name = ""
        public var description: String?
        public var discriminator: Discriminator<OvationCore.Folder>?
        public init() {}

        public static let summary = "A folder to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Newsletters"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.targets.newsletters-3ayb7167e4"))
        }
    }

    public struct FolderChange: Body {
        public var name: String?
        public var description: String?
        public var discriminator: Discriminator<OvationCore.Folder>?
        public init() {}

        public static let summary = "What to change of a folder; members left out stay."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Newsletters"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional("discriminator", \.discriminator, fixed, folderSchema, isInExample: false)
        }
    }

    public struct ConsentList: Body {
        public var discriminator = ""
        public var name = ""
        public init() {}

        public static let summary = "A consent list: a folder, as the first generation of the API shows it."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The stable id of the folder.", folderSchema)
            $0.required("name", \.name, "A name for people.", .string(example: "Newsletters"))
        }
    }

    public struct ConsentLists: ListBody {
        public var items: [ConsentList] = []
        public init() {}

        public static let summary = "The consent lists of a section."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct ConsentListTopic: Body {
        public var discriminator = ""
        public var name = ""
        public var channelDiscriminator: String?
        public init() {}

        public static let summary = "A topic, as the first generation of the API shows it."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The stable id of the topic.", topicSchema)
            $0.required("name", \.name, "A name for people.", .string(example: "Weekly offers"))
            $0.optional(
                "channel_discriminator", \.channelDiscriminator,
                "The only channel of consents to it; left out: they can be for any.",
                .discriminator("com.apsis1.channels.email"))
        }
    }

    public struct ConsentListTopics: ListBody {
        public var items: [ConsentListTopic] = []
        public init() {}

        public static let summary = "The topics of a consent list."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }
}

// MARK: - Topics

extension Bodies {
    public struct Topic: Body {
        public var discriminator = ""
        public var name = ""
        public var description = ""
        public var folderDiscriminator = ""
        public var channelDiscriminator: String?
        public init() {}

        public static let summary = "A topic: what a person can consent to."
        public static let members = Members<Self> {
            $0.required("discriminator", \.discriminator, "The stable id of the topic.", topicSchema)
            $0.required("name", \.name, "A name for people.", .string(example: "Weekly offers"))
            $0.required("description", \.description, "What it is, for people.", .string(example: "On Mondays."))
            $0.required("folder_discriminator", \.folderDiscriminator, "The folder that it is in.", folderSchema)
            $0.nullable(
                "channel_discriminator", \.channelDiscriminator,
                "The only channel of consents to it; null: they can be for any.",
                .discriminator("com.apsis1.channels.email"))
        }
    }

    public struct Topics: ListBody {
        public var items: [Topic] = []
        public init() {}

        public static let summary = "The topics of a section."
        public static let members = Members<Self> { $0.required("items", \.items, "In the order they were made in.") }
    }

    public struct TopicRequest: Body {
        public var name = ""
        public var folderDiscriminator = ""
        public var description: String?
        public var channelDiscriminator: Discriminator<OvationCore.Channel>?
        public var discriminator: Discriminator<OvationCore.Topic>?
        public init() {}

        public static let summary = "A topic to make."
        public static let members = Members<Self> {
            $0.required("name", \.name, "A name for people.", .name("Weekly offers"))
            $0.required(
                "folder_discriminator", \.folderDiscriminator, "The folder that it is in.", folderSchema)
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "channel_discriminator", \.channelDiscriminator,
                "The only channel of consents to it, fixed for good; by default they can be for any.",
                .discriminator("com.apsis1.channels.email"))
            $0.optional(
                "discriminator", \.discriminator, "The stable id; by default made from the name.",
                .newDiscriminator("usercreated.topics.weekly_offers-cbyntm8qnw"))
        }
    }

    public struct TopicChange: Body {
        public var name: String?
        public var description: String?
        public var folderDiscriminator: Discriminator<OvationCore.Folder>?
        public var discriminator: Discriminator<OvationCore.Topic>?
        public var channelDiscriminator: Discriminator<OvationCore.Channel>?
        public init() {}

        public static let summary = "What to change of a topic; members left out stay."
        public static let members = Members<Self> {
            $0.optional("name", \.name, "A name for people.", .name("Weekly offers"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "folder_discriminator", \.folderDiscriminator, "The folder that it is in.", folderSchema)
            $0.optional("discriminator", \.discriminator, fixed, topicSchema, isInExample: false)
            $0.optional(
                "channel_discriminator", \.channelDiscriminator, fixed,
                .discriminator("com.apsis1.channels.email"), isInExample: false)
        }
    }
}
