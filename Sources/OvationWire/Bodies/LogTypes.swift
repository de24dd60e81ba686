public import OvationCore

extension Bodies {
    public struct Log: ListBody {
        public var items: [LogEntry] = []
        public init() {}

        public static let summary = "Who changed what."
        public static let members = Members<Self> {
            $0.required("items", \.items, "Oldest first; newest first with 'before' or for one definition.")
        }
    }

    public struct LogEntry: Body {
        public var sequence: Int64 = 0
        public var at = Timestamp(milliseconds: 0)
        public var actor = ""
        public var kind = ""
        public var change = LogChange()
        public init() {}

        public static let summary = "One change of a definition, or one act that is kept in mind."
        public static let members = Members<Self> {
            $0.required("sequence", \.sequence, "Its number in the log of the account.", .integer(min: 1, example: 17))
            $0.required("at", \.at, "When.")
            $0.required(
                "actor", \.actor, "Who: the client id of an API key, or the server.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("kind", \.kind, "What was done.", .string(example: "section.renamed"))
            $0.required("change", \.change, "To what it was done, and what it is from then on.")
        }
    }

    public struct LogChange: Body {
        public var sectionDiscriminator: String?
        public var keyspaceDiscriminator: String?
        public var eventDiscriminator: String?
        public var attributeDiscriminator: String?
        public var tagDiscriminator: String?
        public var channelDiscriminator: String?
        public var folderDiscriminator: String?
        public var topicDiscriminator: String?
        public var versionID: String?
        public var name: String?
        public var description: String?
        /// A text here and in `keyFormat`, so that a client can read the log of a newer server.
        public var category: String?
        /// A text, as `category` is.
        public var retention: String?
        public var keyFormat: String?
        public var managesSubscriptions: Bool?
        public var mappedAttribute: String?
        public var keyspacePermissions: [KeyspacePermission]?
        public var fields: Fields?
        /// A text, and so is `renderHint`, as `category` is.
        public var type: String?
        public var renderHint: String?
        public var isHidden: Bool?
        public var draft: Bool?
        public var validFrom: Timestamp?
        public var publishedAt: Timestamp?
        public var deprecatedAt: Timestamp?
        public var removedAt: Timestamp?
        public var subject: String?
        public var detail: String?
        public init() {}

        public static let summary = "What an entry of the log says. Which members there are depends on its kind."
        public static let members = Members<Self> {
            addDefinitions(to: &$0)
            $0.optional("name", \.name, "The name for people.", .string(example: "Shop"))
            $0.optional(
                "description", \.description,
                "What an event type, an attribute, a tag, a folder or a topic is, for people.",
                .string(example: "A cup was sold."), isInExample: false)
            $0.optional(
                "category", \.category, "What kind of act an event type is.",
                EventCategory.schema, isInExample: false)
            $0.optional("retention", \.retention, "How long events are kept.", retentionSchema, isInExample: false)
            $0.optional("key_format", \.keyFormat, "What keys look like.", KeyFormat.schema, isInExample: false)
            $0.optional(
                "manage_subscriptions", \.managesSubscriptions,
                "Whether subscriptions are managed through a keyspace.", isInExample: false)
            $0.optional(
                "mapped_attribute", \.mappedAttribute,
                "The attribute that has the keys of a keyspace as its value; left out: there is none.",
                attributeSchema, isInExample: false)
            $0.optional(
                "keyspace_permissions", \.keyspacePermissions,
                "What keyspaces may do. Those that are not named may do nothing with an event type, and everything with "
                    + "an attribute or a tag.",
                isInExample: false)
            $0.optional("fields", \.fields, "All fields of a version that was added.", isInExample: false)
            $0.optional(
                "type", \.type, "The type of an attribute's values, of a version that was added.", FieldType.schema,
                isInExample: false)
            $0.optional(
                "render_hint", \.renderHint, "What an attribute's values mean beyond their type.",
                RenderHint.schema, isInExample: false)
            $0.optional(
                "is_hidden", \.isHidden, "Whether a tag is left out where people choose one.", isInExample: false)
            $0.optional("draft", \.draft, "Whether a version that was added waits to be published.", isInExample: false)
            $0.optional(
                "valid_from", \.validFrom, "From when on a version that was added is the one to use.",
                isInExample: false)
            $0.optional(
                "published_at", \.publishedAt, "From when on a version is the current one.", isInExample: false)
            $0.optional("deprecated_at", \.deprecatedAt, "When a version was deprecated.", isInExample: false)
            $0.optional(
                "removed_at", \.removedAt, "When something was removed.", isInExample: false)
            $0.optional(
                "subject", \.subject, "Of an act: what it was done to, such as a client id or a section.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"), isInExample: false)
            $0.optional(
                "detail", \.detail, "Of an act: further facts, for people.",
                .string(example: "integration key 'Shop'"), isInExample: false)
        }

        /// The members that name what was changed, and what it belongs to.
        private static func addDefinitions(to members: inout Members<Self>) {
            members.optional(
                "section_discriminator", \.sectionDiscriminator, "The section, or that of what was changed.",
                .discriminator("com.apsis1.sections.default"))
            members.optional(
                "keyspace_discriminator", \.keyspaceDiscriminator, "The keyspace.",
                .discriminator("com.apsis1.keyspaces.email"), isInExample: false)
            members.optional(
                "event_discriminator", \.eventDiscriminator, "The event type.", eventTypeSchema, isInExample: false)
            members.optional(
                "attribute_discriminator", \.attributeDiscriminator, "The attribute.", attributeSchema,
                isInExample: false)
            members.optional("tag_discriminator", \.tagDiscriminator, "The tag.", tagSchema, isInExample: false)
            members.optional(
                "channel_discriminator", \.channelDiscriminator, "The channel, or that of a topic.", channelSchema,
                isInExample: false)
            members.optional(
                "folder_discriminator", \.folderDiscriminator, "The folder, or that of a topic.", folderSchema,
                isInExample: false)
            members.optional("topic_discriminator", \.topicDiscriminator, "The topic.", topicSchema, isInExample: false)
            members.optional("version_id", \.versionID, "The version.", .id("2565266"), isInExample: false)
        }
    }
}

// MARK: - From the log

extension Bodies.LogEntry {
    public init(_ entry: AuditEntry) {
        self.init()
        (sequence, at, actor, kind) = (entry.number, entry.at, entry.actor, entry.kind)
        switch entry.content {
        case .definition(.section(let section)): change.set(section)
        case .definition(.keyspace(let keyspace)): change.set(keyspace)
        case .definition(.eventType(let eventType)): change.set(eventType)
        case .definition(.version(let version)): change.set(version)
        case .definition(.attribute(let attribute)): change.set(attribute)
        case .definition(.attributeVersion(let version)): change.set(version)
        case .definition(.tag(let tag)): change.set(tag)
        case .definition(.channel(let channel)): change.set(channel)
        case .definition(.folder(let folder)): change.set(folder)
        case .definition(.topic(let topic)): change.set(topic)
        case .act(let act): (change.subject, change.detail) = (act.subject, act.detail)
        }
    }
}

extension Bodies.LogChange {
    fileprivate mutating func set(_ change: SectionChange) {
        switch change {
        case .created(let section): (sectionDiscriminator, name) = (section.discriminator.text, section.name)
        case .renamed(let discriminator, let name): (sectionDiscriminator, self.name) = (discriminator.text, name)
        }
    }

    fileprivate mutating func set(_ change: KeyspaceChange) {
        switch change {
        case .created(let keyspace):
            (keyspaceDiscriminator, name) = (keyspace.discriminator.text, keyspace.name)
            (managesSubscriptions, keyFormat) = (keyspace.managesSubscriptions, keyspace.keyFormat.rawValue)
            mappedAttribute = keyspace.mapping?.text
        case .changed(let discriminator, let name, let managesSubscriptions, let mapping):
            (keyspaceDiscriminator, self.name) = (discriminator.text, name)
            (self.managesSubscriptions, mappedAttribute) = (managesSubscriptions, mapping?.text)
        }
    }

    fileprivate mutating func set(_ change: EventTypeChange) {
        eventDiscriminator = change.eventType.text
        switch change {
        case .created(let head), .changed(let head):
            (name, description, category) = (head.name, head.description, head.category.rawValue)
            sectionDiscriminator = head.section.text
            retention = head.retention?.text
            set(head.permissions)
        case .removed(_, let at): removedAt = at
        }
    }

    private mutating func set(_ permissions: [String: Permission]) {
        keyspacePermissions = permissions.sorted { $0.key < $1.key }.map { keyspace, permission in
            var body = Bodies.KeyspacePermission()
            body.keyspaceDiscriminator = keyspace
            (body.read, body.write) = (permission.read, permission.write)
            return body
        }
    }

    fileprivate mutating func set(_ change: AttributeChange) {
        attributeDiscriminator = change.attribute.discriminator.text
        sectionDiscriminator = change.attribute.section.text
        switch change {
        case .created(let head, _, let version):
            (name, description) = (head.name, head.description)
            set(head.permissions)
            set(.added(version))
        case .changed(let head):
            (name, description) = (head.name, head.description)
            set(head.permissions)
        case .removed(_, _, let at): removedAt = at
        }
    }

    fileprivate mutating func set(_ change: TagChange) {
        (tagDiscriminator, sectionDiscriminator) = (change.tag.discriminator.text, change.tag.section.text)
        switch change {
        case .created(let head, _, let id, let validFrom):
            (name, description, isHidden) = (head.name, head.description, head.isHidden)
            set(head.permissions)
            (versionID, self.validFrom) = (String(id), validFrom)
        case .changed(let head):
            (name, description, isHidden) = (head.name, head.description, head.isHidden)
            set(head.permissions)
        case .removed(_, _, let at): removedAt = at
        }
    }

    fileprivate mutating func set(_ change: ChannelChange) {
        channelDiscriminator = change.channel.text
        switch change {
        case .created(let channel): (name, keyspaceDiscriminator) = (channel.name, channel.keyspace.text)
        case .changed(_, let name): self.name = name
        case .removed(_, let at): removedAt = at
        }
    }

    fileprivate mutating func set(_ change: FolderChange) {
        (folderDiscriminator, sectionDiscriminator) = (change.folder.discriminator.text, change.folder.section.text)
        switch change {
        case .created(let head), .changed(let head): (name, description) = (head.name, head.description)
        case .removed(_, _, let at): removedAt = at
        }
    }

    fileprivate mutating func set(_ change: TopicChange) {
        (topicDiscriminator, sectionDiscriminator) = (change.topic.discriminator.text, change.topic.section.text)
        switch change {
        case .created(let head, _), .changed(let head):
            (name, description) = (head.name, head.description)
            (folderDiscriminator, channelDiscriminator) = (head.folder.text, head.channel?.text)
        case .removed(_, _, let at): removedAt = at
        }
    }

    fileprivate mutating func set(_ change: AttributeVersionChange) {
        versionID = String(change.id)
        switch change {
        case .added(let added):
            (attributeDiscriminator, sectionDiscriminator) = (added.attribute.text, added.section.text)
            (type, renderHint) = (added.type.rawValue, added.renderHint?.rawValue)
            (draft, validFrom, deprecatedAt) = (added.state == .draft, added.validFrom, added.deprecatedAt)
        case .published(_, let at), .republished(_, let at): publishedAt = at
        case .deprecated(_, let at): deprecatedAt = at
        case .discarded: break
        }
    }

    fileprivate mutating func set(_ change: VersionChange) {
        versionID = String(change.id)
        switch change {
        case .added(let added):
            (eventDiscriminator, fields) = (added.eventType.text, Bodies.Fields(added.fields))
            (draft, validFrom, deprecatedAt) = (added.state == .draft, added.validFrom, added.deprecatedAt)
        case .published(_, let at), .republished(_, let at): publishedAt = at
        case .deprecated(_, let at): deprecatedAt = at
        case .discarded: break
        }
    }
}
