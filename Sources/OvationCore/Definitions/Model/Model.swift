/// A data model as a file states it: what should be there. What it does not mention is left alone.
public struct Model: Sendable, Equatable {
    public var keyspaces: [Keyspace]
    public var sections: [Section]

    public init(keyspaces: [Keyspace], sections: [Section]) {
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

        public init(
            discriminator: Discriminator<OvationCore.Keyspace>?, name: String, managesSubscriptions: Bool?,
            keyFormat: KeyFormat?
        ) {
            self.discriminator = discriminator
            self.name = name
            self.managesSubscriptions = managesSubscriptions
            self.keyFormat = keyFormat
        }
    }

    public struct Section: Sendable, Equatable {
        /// nil: the one of this name, or a new one.
        public var discriminator: Discriminator<OvationCore.Section>?
        public var name: String
        public var eventTypes: [EventType]

        public init(
            discriminator: Discriminator<OvationCore.Section>?, name: String, eventTypes: [EventType]
        ) {
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
        public var versions: Versions

        public init(
            discriminator: Discriminator<OvationCore.EventType>?, name: String, description: String,
            category: EventCategory, permissions: [String: Permission], versions: Versions
        ) {
            self.discriminator = discriminator
            self.name = name
            self.description = description
            self.category = category
            self.permissions = permissions
            self.versions = versions
        }
    }

    public enum Versions: Sendable, Equatable {
        /// The fields that the current version should have.
        case current([Field])
        /// Every version, oldest first. One without an id is known by its fields.
        case all([VersionDefinition])
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
