/// A change of the versions of one kind of definition: of event types or of attributes.
public enum DefinitionVersionChange<Added: AddedVersion>: Sendable, Equatable {
    case added(Added)
    case published(VersionID, at: Timestamp)
    /// A deprecated version becomes the current one again.
    case republished(VersionID, at: Timestamp)
    case discarded(VersionID)
    case deprecated(VersionID, at: Timestamp)

    public var id: VersionID {
        switch self {
        case .added(let added): added.id
        case .published(let id, _), .republished(let id, _), .discarded(let id), .deprecated(let id, _): id
        }
    }
}

/// A version that is added, as the log has it.
public protocol AddedVersion: Codable, Sendable, Equatable {
    var id: VersionID { get }
    /// What the words of the log begin with, such as `version` in `version.added`.
    static var logWord: String { get }
}

/// An added version as the fold needs it.
protocol FoldedVersion: AddedVersion {
    associatedtype Element: VersionedDefinition

    static var table: any WritableKeyPath<Catalogue, DefinitionTable<Element>> & Sendable { get }
    /// The key of the definition whose version it is.
    var definition: Element.Key { get }
    var state: VersionState { get }
    var validFrom: Timestamp { get }
    var deprecatedAt: Timestamp? { get }
    func checkedContent() throws(Problem) -> Element.Content
}

/// What can become of a version. The words stand in the log, and are never renamed.
enum VersionVerb: String, CaseIterable {
    case added
    case published
    case republished
    case discarded
    case deprecated
}

extension DefinitionVersionChange {
    struct Kind: RawRepresentable, CaseIterable, Codable {
        let verb: VersionVerb

        init(_ verb: VersionVerb) { self.verb = verb }

        init?(rawValue: String) {
            guard let kind = Kind.allCases.first(where: { $0.rawValue == rawValue }) else { return nil }
            self = kind
        }

        var rawValue: String { "\(Added.logWord).\(verb.rawValue)" }

        static var allCases: [Kind] { VersionVerb.allCases.map { Kind($0) } }
    }

    var kind: Kind {
        switch self {
        case .added: Kind(.added)
        case .published: Kind(.published)
        case .republished: Kind(.republished)
        case .discarded: Kind(.discarded)
        case .deprecated: Kind(.deprecated)
        }
    }
}

extension DefinitionVersionChange: DefinitionChange where Added: FoldedVersion {
    var subject: String { String(id) }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .added(let added): try catalogue.add(added)
        case .published(let id, let at):
            try catalogue[keyPath: Added.table].changeVersion(id) { versions, place throws(Problem) in
                try versions.publish(at: place, from: at)
            }
        case .republished(let id, let at):
            try catalogue[keyPath: Added.table].changeVersion(id) { versions, place throws(Problem) in
                try versions.republish(at: place, from: at)
            }
        case .discarded(let id):
            try catalogue[keyPath: Added.table].changeVersion(id) { versions, place throws(Problem) in
                try versions.discard(at: place)
            }
        case .deprecated(let id, let at):
            try catalogue[keyPath: Added.table].changeVersion(id) { versions, place throws(Problem) in
                try versions.deprecate(at: place, from: at)
            }
        }
    }

    func beginning(in catalogue: Catalogue) -> VersionBeginning? {
        let table = catalogue[keyPath: Added.table]
        switch self {
        case .added(let added):
            return VersionBeginning(at: added.validFrom, current: table[added.definition]?.versions.current?.validFrom)
        case .published(let id, let at), .republished(let id, let at):
            return VersionBeginning(at: at, current: table.version(id)?.0.versions.current?.validFrom)
        case .discarded, .deprecated: return nil
        }
    }
}

extension Catalogue {
    /// Adds a version to a definition that is there.
    mutating func add<Added: FoldedVersion>(_ added: Added) throws(Problem) {
        typealias Element = Added.Element
        let place = try self[keyPath: Added.table].livePlace(of: added.definition)
        try requireFree(added.id)
        try self[keyPath: Added.table].changeVersions(at: place) { versions throws(Problem) in
            try versions.requireRoom(for: Element.versionsPlural, countMax: Element.versionCountMax)
            try versions.add(
                DefinitionVersion(
                    id: added.id, state: added.state, content: try added.checkedContent(),
                    validFrom: added.validFrom, deprecatedAt: added.deprecatedAt))
        }
        highestVersionID = max(highestVersionID, added.id)
    }

    /// - Throws: `invalid_version_id`, or `already_exists` when any kind of definition has a version with this id.
    func requireFree(_ id: VersionID) throws(Problem) {
        guard id > 0, id <= Limits.versionIDMax else {
            throw Problem(
                .invalidVersionID, "A version id is a number from 1 to \(Limits.versionIDMax), not \(id).")
        }
        guard !hasVersion(id) else {
            throw Problem(.alreadyExists, "The account already has a version with the id \(id).")
        }
    }
}

// MARK: - The stored form

extension DefinitionVersionChange: Codable {
    private enum Key: String, CodingKey { case kind, version, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .added(let added): try container.encode(added, forKey: .version)
        case .published(let id, let at), .republished(let id, let at), .deprecated(let id, let at):
            try container.encode(id, forKey: .version)
            try container.encode(at, forKey: .at)
        case .discarded(let id): try container.encode(id, forKey: .version)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        let verb = try container.decode(Kind.self, forKey: .kind).verb
        guard verb != .added else {
            self = .added(try container.decode(Added.self, forKey: .version))
            return
        }
        let id = try container.decode(VersionID.self, forKey: .version)
        func at() throws -> Timestamp { try container.decode(Timestamp.self, forKey: .at) }
        switch verb {
        case .published: self = .published(id, at: try at())
        case .republished: self = .republished(id, at: try at())
        case .deprecated: self = .deprecated(id, at: try at())
        case .added, .discarded: self = .discarded(id)
        }
    }
}
