public import OvationCore

// Channels, folders and topics of a data model.

extension Bodies {
    public struct ModelChannel: Body {
        public var discriminator: Discriminator<OvationCore.Channel>?
        public var name = ""
        public var keyspaceDiscriminator: Discriminator<OvationCore.Keyspace>?
        public init() {}

        public static let summary = "A channel of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("usercreated.channels.push-98h3ud5p4v"))
            $0.required("name", \.name, "A name for people.", .name("Push"))
            $0.optional(
                "keyspace_discriminator", \.keyspaceDiscriminator,
                "The keyspace whose keys are its addresses; fixed for good. A new channel needs it.",
                .discriminator("com.apsis1.keyspaces.mobile"))
        }
    }

    public struct ModelFolder: Body {
        public var discriminator: Discriminator<OvationCore.Folder>?
        public var name = ""
        public var description: String?
        public var topics: [ModelTopic]?
        public init() {}

        public static let summary = "A folder of a data model, with its topics."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator, "The stable id; without one it is found by its name, or made.",
                .newDiscriminator("usercreated.targets.newsletters-3ayb7167e4"))
            $0.required("name", \.name, "A name for people.", .name("Newsletters"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional("topics", \.topics, "Its topics. One that is in another folder is moved.")
        }
    }

    public struct ModelTopic: Body {
        public var discriminator: Discriminator<OvationCore.Topic>?
        public var name = ""
        public var description: String?
        public var channelDiscriminator: Discriminator<OvationCore.Channel>?
        public init() {}

        public static let summary = "A topic of a data model."
        public static let isStrict = true
        public static let members = Members<Self> {
            $0.optional(
                "discriminator", \.discriminator,
                "The stable id; without one it is found by its name in the folder, or made.",
                .newDiscriminator("usercreated.topics.weekly_offers-cbyntm8qnw"))
            $0.required("name", \.name, "A name for people.", .name("Weekly offers"))
            $0.optional("description", \.description, "What it is, for people.", .description)
            $0.optional(
                "channel_discriminator", \.channelDiscriminator,
                "The only channel of consents to it; fixed for good. Left out of a new topic: any.",
                .discriminator("com.apsis1.channels.email"))
        }
    }
}
