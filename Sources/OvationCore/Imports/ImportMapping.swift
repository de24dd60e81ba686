/// What the columns of an import's file mean, as a request says it.
public struct ImportMapping: Sendable, Equatable {
    /// A column with keys of a keyspace.
    public struct Key: Sendable, Equatable {
        public let keyspace: String
        public let column: String
        /// Whether the profiles of a row's keys become one.
        public let merges: Bool

        public init(keyspace: String, column: String, merges: Bool = false) {
            self.keyspace = keyspace
            self.column = column
            self.merges = merges
        }
    }

    /// A column with the values of an attribute, or with marks for a tag.
    public struct Field: Sendable, Equatable {
        public let column: String
        /// A version id or a discriminator.
        public let name: String

        public init(column: String, name: String) {
            self.column = column
            self.name = name
        }
    }

    /// A column that says whether the person of a row gets a consent.
    public struct ConsentColumn: Sendable, Equatable {
        public let column: String
        /// The person's address for the channel.
        public let addressColumn: String
        public let topic: String
        public let channel: String
        /// The consent list that the topic has to be in; nil: any.
        public let list: String?
        public let type: ConsentType
        /// Whether an opt-out is overwritten by an opt-in.
        public let resubscribes: Bool

        public init(
            column: String, addressColumn: String, topic: String, channel: String, list: String? = nil,
            type: ConsentType, resubscribes: Bool = false
        ) {
            self.column = column
            self.addressColumn = addressColumn
            self.topic = topic
            self.channel = channel
            self.list = list
            self.type = type
            self.resubscribes = resubscribes
        }
    }

    /// The first names the profile of a row.
    public let keys: [Key]
    public let attributes: [Field]
    public let tags: [Field]
    public let consents: [ConsentColumn]
    /// Otherwise profiles that are there stay as they are.
    public let updatesExisting: Bool
    /// Whether an empty cell clears its attribute. Otherwise it says nothing.
    public let clearsAttributes: Bool

    public init(
        keys: [Key], attributes: [Field] = [], tags: [Field] = [], consents: [ConsentColumn] = [],
        updatesExisting: Bool = true, clearsAttributes: Bool = false
    ) {
        self.keys = keys
        self.attributes = attributes
        self.tags = tags
        self.consents = consents
        self.updatesExisting = updatesExisting
        self.clearsAttributes = clearsAttributes
    }
}
