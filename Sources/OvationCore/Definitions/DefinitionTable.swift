/// Something that admins define and clients know by its discriminator: a section, a keyspace, an event type.
protocol Definition: Sendable {
    /// By what it is found: its discriminator, where that is unique in the account.
    associatedtype Key: Hashable & Sendable = Discriminator<Self>

    var discriminator: Discriminator<Self> { get }
    var key: Key { get }
    /// The small number that rows have in its place; nil for a kind that rows do not name.
    var rowNumber: Int64? { get }
    /// What messages call several of them.
    static var plural: String { get }
    /// How many of them an account can have.
    static var countMax: Int { get }
    static func notFound(_ key: Key) -> Problem
}

extension Definition {
    var rowNumber: Int64? { nil }
}

extension Definition where Key == Discriminator<Self> {
    var key: Key { discriminator }
}

/// The key of a definition whose discriminator other sections can have too.
public struct SectionKey<Definition>: Hashable, Sendable {
    public let section: Discriminator<Section>
    public let discriminator: Discriminator<Definition>

    public init(_ discriminator: Discriminator<Definition>, in section: Discriminator<Section>) {
        self.section = section
        self.discriminator = discriminator
    }
}

/// A definition that can be removed: lists leave it out, and what names it can still be read.
protocol RemovableDefinition: Definition {
    var removedAt: Timestamp? { get }
}

/// A definition whose content comes in versions.
protocol VersionedDefinition: RemovableDefinition {
    associatedtype Content: Sendable & Equatable
    var versions: VersionHistory<Content> { get set }
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
    private var placeByKey: [Element.Key: Int] = [:]
    private var placeByNumber: [Int64: Int] = [:]
    /// Of kinds whose discriminators are unique in a section only: all of them, whatever the section.
    private var discriminators: Set<Discriminator<Element>> = []
    private var highestNumber: Int64 = 0
    /// Empty for a kind without versions.
    private(set) var placeByVersion: [VersionID: VersionPlace] = [:]

    /// Where a version is: its definition among the definitions, and the version in that definition's history.
    struct VersionPlace: Sendable {
        let definition: Int
        let version: Int
    }

    init() {}

    /// With definitions that come with the account, and are in no log.
    init(_ builtIn: [Element]) {
        for element in builtIn { append(element) }
    }

    func place(of key: Element.Key) -> Int? { placeByKey[key] }

    subscript(key: Element.Key) -> Element? {
        placeByKey[key].map { all[$0] }
    }

    subscript(number number: Int64) -> Element? {
        placeByNumber[number].map { all[$0] }
    }

    /// The next number that rows have not seen.
    var nextNumber: Int64 { highestNumber + 1 }

    /// Whether any section has, or had, a definition with this discriminator.
    func isUsed(_ discriminator: Discriminator<Element>) -> Bool { discriminators.contains(discriminator) }

    /// - Throws: `already_exists` when another section has a definition with this discriminator. In some places clients
    ///   name a definition without its section.
    func requireUnused(_ discriminator: Discriminator<Element>) throws(Problem) {
        guard !isUsed(discriminator) else { throw Problem.exists(discriminator.text) }
    }

    /// - Throws: `already_exists`, or `limit_exceeded` when the account has as many as it can have.
    mutating func add(_ element: Element) throws(Problem) {
        guard placeByKey[element.key] == nil else {
            throw Problem.exists(element.discriminator.text)
        }
        guard all.count < Element.countMax else { throw Problem.tooMany(Element.plural, Element.countMax) }
        append(element)
    }

    private mutating func append(_ element: Element) {
        placeByKey[element.key] = all.count
        if let number = element.rowNumber {
            if placeByNumber[number] == nil { placeByNumber[number] = all.count }
            highestNumber = max(highestNumber, number)
        }
        if Element.Key.self != Discriminator<Element>.self { discriminators.insert(element.discriminator) }
        all.append(element)
    }

    /// Changes a definition in its place. Versions are changed with ``changeVersions(at:_:)``, which keeps their index.
    mutating func change(at place: Int, _ change: (inout Element) throws(Problem) -> Void) throws(Problem) {
        try change(&all[place])
    }

    /// - Throws: that there is no such definition.
    mutating func change(
        _ key: Element.Key, _ body: (inout Element) throws(Problem) -> Void
    ) throws(Problem) {
        guard let place = placeByKey[key] else { throw Element.notFound(key) }
        try change(at: place, body)
    }
}

extension DefinitionTable where Element: RemovableDefinition {
    /// The place of a definition that was not removed.
    func livePlace(of key: Element.Key) throws(Problem) -> Int {
        guard let place = placeByKey[key], all[place].removedAt == nil else {
            throw Element.notFound(key)
        }
        return place
    }
}

// MARK: - Versions

extension DefinitionTable where Element: VersionedDefinition {
    func version(_ id: VersionID) -> (Element, DefinitionVersion<Element.Content>)? {
        guard let place = placeByVersion[id] else { return nil }
        let definition = all[place.definition]
        return (definition, definition.versions.all[place.version])
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
            throw Element.notFound(all[place.definition].key)
        }
        try change(&all[place.definition].versions, place.version)
        index(versionsAt: place.definition)
    }

    private mutating func index(versionsAt place: Int) {
        for (position, version) in all[place].versions.all.enumerated() {
            placeByVersion[version.id] = VersionPlace(definition: place, version: position)
        }
    }

    /// Adds a definition that has versions from the first moment.
    mutating func addWithVersions(_ element: Element) throws(Problem) {
        try add(element)
        index(versionsAt: all.count - 1)
    }

    /// Adds a definition that comes with the account or a section, and is in no log.
    mutating func addBuiltIn(_ element: Element) {
        guard placeByKey[element.key] == nil else { return }
        append(element)
        index(versionsAt: all.count - 1)
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
