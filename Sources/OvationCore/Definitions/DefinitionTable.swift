/// Something that admins define and clients know by its discriminator: a section, a keyspace, an event type.
protocol Definition: Sendable {
    var discriminator: Discriminator<Self> { get }
    /// The small number that rows have in its place; nil for a kind that rows do not name.
    var rowNumber: Int64? { get }
    /// What messages call several of them.
    static var plural: String { get }
    /// How many of them an account can have.
    static var countMax: Int { get }
    static func notFound(_ discriminator: Discriminator<Self>) -> Problem
}

extension Definition {
    var rowNumber: Int64? { nil }
}

/// A definition whose content comes in versions.
protocol VersionedDefinition: Definition {
    associatedtype Content: Sendable & Equatable
    var versions: VersionHistory<Content> { get set }
    var removedAt: Timestamp? { get }
    /// How many versions one definition can have.
    static var versionCountMax: Int { get }
    /// What messages call the versions of one definition.
    static var versionsPlural: String { get }
}

/// The definitions of one kind, in the order in which they were made, with an index for each way to ask for one.
///
/// A definition keeps its place for good: it can change, and it cannot leave. So an index is a number, and what was found
/// by it is read in place.
struct DefinitionTable<Element: Definition>: Sendable {
    private(set) var all: [Element] = []
    private var placeByDiscriminator: [Discriminator<Element>: Int] = [:]
    private var placeByNumber: [Int64: Int] = [:]
    /// Empty for a kind without versions.
    private(set) var placeByVersion: [VersionID: VersionPlace] = [:]

    /// Where a version is: its definition among the definitions, and the version in that definition's history.
    struct VersionPlace: Sendable {
        let definition: Int
        let version: Int
    }

    func place(of discriminator: Discriminator<Element>) -> Int? { placeByDiscriminator[discriminator] }

    subscript(discriminator: Discriminator<Element>) -> Element? {
        placeByDiscriminator[discriminator].map { all[$0] }
    }

    subscript(number number: Int64) -> Element? {
        placeByNumber[number].map { all[$0] }
    }

    /// The next number that rows have not seen.
    var nextNumber: Int64 { (all.compactMap(\.rowNumber).max() ?? 0) + 1 }

    /// - Throws: `already_exists`, or `limit_exceeded` when the account has as many as it can have.
    mutating func add(_ element: Element) throws(Problem) {
        guard placeByDiscriminator[element.discriminator] == nil else {
            throw Problem.exists(element.discriminator.text)
        }
        guard all.count < Element.countMax else { throw Problem.tooMany(Element.plural, Element.countMax) }
        append(element)
    }

    private mutating func append(_ element: Element) {
        placeByDiscriminator[element.discriminator] = all.count
        if let number = element.rowNumber, placeByNumber[number] == nil { placeByNumber[number] = all.count }
        all.append(element)
    }

    /// Changes a definition in its place. Versions are changed with ``changeVersions(at:_:)``, which keeps their index.
    mutating func change(at place: Int, _ change: (inout Element) throws(Problem) -> Void) throws(Problem) {
        try change(&all[place])
    }

    /// - Throws: that there is no such definition.
    mutating func change(
        _ discriminator: Discriminator<Element>, _ body: (inout Element) throws(Problem) -> Void
    ) throws(Problem) {
        guard let place = placeByDiscriminator[discriminator] else { throw Element.notFound(discriminator) }
        try change(at: place, body)
    }
}

// MARK: - Versions

extension DefinitionTable where Element: VersionedDefinition {
    func version(_ id: VersionID) -> (Element, DefinitionVersion<Element.Content>)? {
        guard let place = placeByVersion[id] else { return nil }
        let definition = all[place.definition]
        return (definition, definition.versions.all[place.version])
    }

    /// The place of a definition that was not removed.
    func livePlace(of discriminator: Discriminator<Element>) throws(Problem) -> Int {
        guard let place = placeByDiscriminator[discriminator], all[place].removedAt == nil else {
            throw Element.notFound(discriminator)
        }
        return place
    }

    mutating func changeVersions(
        at place: Int, _ change: (inout VersionHistory<Element.Content>) throws(Problem) -> Void
    ) throws(Problem) {
        try change(&all[place].versions)
        index(versionsAt: place)
    }

    /// Changes the history of a version's definition.
    /// - Throws: that there is no such version, or that its definition was removed.
    mutating func changeVersion(
        _ id: VersionID, _ change: (inout VersionHistory<Element.Content>, _ place: Int) throws(Problem) -> Void
    ) throws(Problem) {
        guard let place = placeByVersion[id] else { throw Problem.noVersion(id) }
        guard all[place.definition].removedAt == nil else {
            throw Element.notFound(all[place.definition].discriminator)
        }
        try change(&all[place.definition].versions, place.version)
        index(versionsAt: place.definition)
    }

    private mutating func index(versionsAt place: Int) {
        for (position, version) in all[place].versions.all.enumerated() {
            placeByVersion[version.id] = VersionPlace(definition: place, version: position)
        }
    }

    /// Without drafts, without what was discarded, and without definitions that have nothing else.
    var published: DefinitionTable {
        let hidesSome = all.contains { $0.versions.isEmpty || $0.versions.all.contains { $0.state != .published } }
        guard hidesSome else { return self }
        var published = DefinitionTable()
        for var definition in all {
            definition.versions = definition.versions.published
            guard !definition.versions.isEmpty else { continue }
            published.append(definition)
            published.index(versionsAt: published.all.count - 1)
        }
        return published
    }
}
