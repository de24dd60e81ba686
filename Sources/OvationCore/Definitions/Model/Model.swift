/// A data model as a file states it: what should be there. What it does not mention is left alone.
public struct Model: Sendable, Equatable {
    public var keyspaces: [Keyspace]
    public var sections: [Section]
    /// A built-in channel that is not here stays as it comes.
    public var channels: [Channel]

    public init(keyspaces: [Keyspace], sections: [Section], channels: [Channel] = []) {
        self.channels = channels
        self.keyspaces = keyspaces
        self.sections = sections
    }

    public struct Keyspace: Sendable, Equatable {
        /// nil: the one of this name, or a new one.
        public var discriminator: Discriminator<OvationCore.Keyspace>?
        public var name: String
        /// nil: as it is; false for a new one.
        public var managesSubscriptions: Bool?
        /// nil: as it is; text for a new one.
        public var keyFormat: KeyFormat?
        /// nil: as it is; none for a new one.
        public var mappedAttribute: Discriminator<OvationCore.Attribute>?

        public init(
            discriminator: Discriminator<OvationCore.Keyspace>?, name: String, managesSubscriptions: Bool?,
            keyFormat: KeyFormat?, mappedAttribute: Discriminator<OvationCore.Attribute>? = nil
        ) {
            self.mappedAttribute = mappedAttribute
            self.discriminator = discriminator
            self.name = name
            self.managesSubscriptions = managesSubscriptions
            self.keyFormat = keyFormat
        }
    }

    public struct Channel: Sendable, Equatable {
        /// nil: the one of this name, or a new one.
        public var discriminator: Discriminator<OvationCore.Channel>?
        public var name: String
        /// nil: as it is; a new one needs it.
        public var keyspace: Discriminator<OvationCore.Keyspace>?

        public init(
            discriminator: Discriminator<OvationCore.Channel>?, name: String,
            keyspace: Discriminator<OvationCore.Keyspace>? = nil
        ) {
            self.discriminator = discriminator
            self.name = name
            self.keyspace = keyspace
        }
    }

    public struct Section: Sendable, Equatable {
        /// nil: the one of this name, or a new one.
        public var discriminator: Discriminator<OvationCore.Section>?
        public var name: String
        public var eventTypes: [EventType]
        /// A default attribute that is not here stays as it comes.
        public var attributes: [Attribute]
        public var tags: [Tag]
        public var folders: [Folder]

        public init(
            discriminator: Discriminator<OvationCore.Section>?, name: String, eventTypes: [EventType],
            attributes: [Attribute] = [], tags: [Tag] = [], folders: [Folder] = []
        ) {
            self.folders = folders
            self.attributes = attributes
            self.tags = tags
            self.discriminator = discriminator
            self.name = name
            self.eventTypes = eventTypes
        }
    }

    public struct EventType: Sendable, Equatable {
        /// nil: the one of this name in the section, or a new one.
        public var discriminator: Discriminator<OvationCore.EventType>?
        public var name: String
        public var description: String
        public var category: EventCategory
        public var permissions: [String: Permission]
        public var retention: Retention
        public var versions: Versions

        public init(
            discriminator: Discriminator<OvationCore.EventType>?, name: String, description: String,
            category: EventCategory, permissions: [String: Permission], retention: Retention = .asItIs,
            versions: Versions
        ) {
            self.retention = retention
            self.discriminator = discriminator
            self.name = name
            self.description = description
            self.category = category
            self.permissions = permissions
            self.versions = versions
        }
    }

    /// How long the events of a type are kept.
    public enum Retention: Sendable, Equatable {
        /// For good, if the type is new.
        case asItIs
        /// nil: for good.
        case value(OvationCore.Retention?)
    }

    public enum Versions: Sendable, Equatable {
        /// The fields that the current version should have.
        case current([Field])
        /// Every version, oldest first. One without an id is known by its fields.
        case all([VersionDefinition])
    }

    public struct Attribute: Sendable, Equatable {
        /// nil: the one of this name in the section, or a new one.
        public var discriminator: Discriminator<OvationCore.Attribute>?
        public var name: String
        public var description: String
        public var permissions: [String: Permission]
        public var versions: AttributeVersions

        public init(
            discriminator: Discriminator<OvationCore.Attribute>?, name: String, description: String = "",
            permissions: [String: Permission] = [:], versions: AttributeVersions
        ) {
            self.discriminator = discriminator
            self.name = name
            self.description = description
            self.permissions = permissions
            self.versions = versions
        }
    }

    public enum AttributeVersions: Sendable, Equatable {
        /// Those that are there: for default attributes alone.
        case asTheyAre
        /// What the current version should be.
        case current(AttributeContent)
        /// Every version that an admin made, oldest first. One without an id is known by its content.
        case all([AttributeVersionDefinition])
    }

    public struct Tag: Sendable, Equatable {
        /// nil: the one of this name in the section, or a new one.
        public var discriminator: Discriminator<OvationCore.Tag>?
        public var name: String
        public var description: String
        public var permissions: [String: Permission]
        public var isHidden: Bool
        /// nil: as it is; the next free one for a new tag.
        public var id: VersionID?
        /// nil: as it is; now for a new tag.
        public var validFrom: Timestamp?

        public init(
            discriminator: Discriminator<OvationCore.Tag>?, name: String, description: String = "",
            permissions: [String: Permission] = [:], isHidden: Bool = false, id: VersionID? = nil,
            validFrom: Timestamp? = nil
        ) {
            self.discriminator = discriminator
            self.name = name
            self.description = description
            self.permissions = permissions
            self.isHidden = isHidden
            self.id = id
            self.validFrom = validFrom
        }
    }
}

extension Model {
    public struct Folder: Sendable, Equatable {
        /// nil: the one of this name in the section, or a new one.
        public var discriminator: Discriminator<OvationCore.Folder>?
        public var name: String
        public var description: String
        public var topics: [Topic]

        public init(
            discriminator: Discriminator<OvationCore.Folder>?, name: String, description: String = "",
            topics: [Topic] = []
        ) {
            self.discriminator = discriminator
            self.name = name
            self.description = description
            self.topics = topics
        }
    }

    /// A topic in its folder. With a discriminator of one that is in another folder, it is moved.
    public struct Topic: Sendable, Equatable {
        /// nil: the one of this name in the folder, or a new one.
        public var discriminator: Discriminator<OvationCore.Topic>?
        public var name: String
        public var description: String
        /// nil: as it is; any for a new one.
        public var channel: Discriminator<OvationCore.Channel>?

        public init(
            discriminator: Discriminator<OvationCore.Topic>?, name: String, description: String = "",
            channel: Discriminator<OvationCore.Channel>? = nil
        ) {
            self.discriminator = discriminator
            self.name = name
            self.description = description
            self.channel = channel
        }
    }
}

/// What has to happen so that a catalogue fits a model.
public struct ModelPlan: Sendable {
    public var changes: [CatalogueChange] = []
    public var steps: [Step] = []

    public init() {}

    /// One step, for people.
    public struct Step: Sendable, Equatable {
        public enum Action: String, Sendable {
            case create
            case change
            case addVersion = "add_version"
            case publish
        }

        public let action: Action
        public let subject: String
        public let details: [String]
        /// What clients that know the old definition will notice.
        public let breaks: [String]
    }
}
