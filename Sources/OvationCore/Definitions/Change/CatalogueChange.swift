/// One change of an account's definitions: what the catalogue log is made of. A case for each kind of definition, and a
/// file beside this one for each.
public enum CatalogueChange: Sendable, Equatable {
    case section(SectionChange)
    case keyspace(KeyspaceChange)
    case eventType(EventTypeChange)
    case version(VersionChange)
    case attribute(AttributeChange)
    case attributeVersion(AttributeVersionChange)
    case tag(TagChange)
    case channel(ChannelChange)
    case folder(FolderChange)
    case topic(TopicChange)
}

/// The changes of one kind of definition: how they are stored, what they do to a catalogue, and what they are about.
protocol DefinitionChange: Codable, Sendable, Equatable {
    /// The stable words of the stored log, such as `section.created`; never renamed.
    associatedtype Kind: RawRepresentable & CaseIterable & Codable where Kind.RawValue == String

    var kind: Kind { get }
    /// The discriminator or the id of what is changed. Nobody takes it for personal data, so it may be logged.
    var subject: String { get }
    /// The name that the change gives, where it gives one.
    var name: String? { get }

    /// Folds the change in. Every rule that must hold for the catalogue as a whole is checked here, so that an edit, a
    /// model file and a log from another server all pass the same gate.
    func apply(to catalogue: inout Catalogue) throws(Problem)

    /// When the version that the change makes current begins. nil: it makes none current.
    func beginning(in catalogue: Catalogue) -> VersionBeginning?
}

/// When a version begins that a change makes current.
struct VersionBeginning {
    let at: Timestamp
    /// When the version begins that it takes over from; nil: there is none.
    let current: Timestamp?
}

extension DefinitionChange {
    var name: String? { nil }

    func beginning(in catalogue: Catalogue) -> VersionBeginning? { nil }
}

extension CatalogueChange {
    private var change: any DefinitionChange {
        switch self {
        case .section(let change): change
        case .keyspace(let change): change
        case .eventType(let change): change
        case .version(let change): change
        case .attribute(let change): change
        case .attributeVersion(let change): change
        case .tag(let change): change
        case .channel(let change): change
        case .folder(let change): change
        case .topic(let change): change
        }
    }

    /// The stable word of the stored log, such as `section.created`.
    public var kind: String { change.word }

    /// The discriminator or the id of what is changed.
    public var subject: String { change.subject }

    /// The name that the change gives, where it gives one.
    var name: String? { change.name }

    func apply(to catalogue: inout Catalogue) throws(Problem) { try change.apply(to: &catalogue) }

    func beginning(in catalogue: Catalogue) -> VersionBeginning? { change.beginning(in: catalogue) }
}

extension DefinitionChange {
    fileprivate var word: String { kind.rawValue }

    /// nil: the word is of another kind of definition.
    fileprivate init?(_ word: String, from decoder: any Decoder) throws {
        guard Kind(rawValue: word) != nil else { return nil }
        try self.init(from: decoder)
    }
}

/// One entry of the append-only log of an account's definitions.
public struct LogEntry: Sendable, Equatable {
    /// The number of the entry in the log. It goes up by one with each entry; a store that an older version wrote to has
    /// gaps where notes of acts were.
    public let sequence: Int64
    public let at: Timestamp
    /// Client id of the API key that asked, or `server`.
    public let actor: String
    public let change: CatalogueChange

    public init(sequence: Int64, at: Timestamp, actor: String, change: CatalogueChange) {
        self.sequence = sequence
        self.at = at
        self.actor = actor
        self.change = change
    }
}

// MARK: - The stored form

extension CatalogueChange: Codable {
    private enum Key: String, CodingKey { case kind }

    public func encode(to encoder: any Encoder) throws { try change.encode(to: encoder) }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let kind = try container.decode(String.self, forKey: .kind)
        if let change = try SectionChange(kind, from: decoder) {
            self = .section(change)
        } else if let change = try KeyspaceChange(kind, from: decoder) {
            self = .keyspace(change)
        } else if let change = try EventTypeChange(kind, from: decoder) {
            self = .eventType(change)
        } else if let change = try VersionChange(kind, from: decoder) {
            self = .version(change)
        } else if let change = try AttributeChange(kind, from: decoder) {
            self = .attribute(change)
        } else if let change = try AttributeVersionChange(kind, from: decoder) {
            self = .attributeVersion(change)
        } else if let change = try TagChange(kind, from: decoder) {
            self = .tag(change)
        } else if let change = try ChannelChange(kind, from: decoder) {
            self = .channel(change)
        } else if let change = try FolderChange(kind, from: decoder) {
            self = .folder(change)
        } else if let change = try TopicChange(kind, from: decoder) {
            self = .topic(change)
        } else {
            throw DecodingError.dataCorruptedError(
                forKey: .kind, in: container,
                debugDescription: "log entry of kind '\(kind)': made by a newer Ovation?")
        }
    }
}
