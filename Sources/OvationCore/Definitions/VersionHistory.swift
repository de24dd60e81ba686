/// Unique over the account, whatever kind of definition has the version. A string of digits on the wire.
public typealias VersionID = Int64

public enum VersionState: String, Codable, Sendable {
    /// Not listed; takes events only from admin keys.
    case draft
    case published
    /// A draft that was thrown away; takes no events.
    case discarded
}

/// The content of a definition from one moment on. Never changes once published; old data keep theirs.
public struct DefinitionVersion<Content: Sendable & Equatable>: Sendable, Equatable {
    public typealias ID = VersionID
    public typealias State = VersionState

    public let id: ID
    public internal(set) var state: State
    public let content: Content
    public internal(set) var validFrom: Timestamp
    /// When another version took over, or none did; nil while current.
    public internal(set) var deprecatedAt: Timestamp?

    var isCurrent: Bool { state == .published && deprecatedAt == nil }
}

/// All versions that a definition ever had, and the rules by which one takes over from another.
public struct VersionHistory<Content: Sendable & Equatable>: Sendable, Equatable {
    public typealias Version = DefinitionVersion<Content>

    /// In the order in which they were current; drafts after them.
    public private(set) var all: [Version] = []

    init() {}

    /// A history that begins with its current version.
    init(first version: Version) { all = [version] }

    public var current: Version? { all.last(where: \.isCurrent) }

    /// As lists show them: the current version first, then the deprecated, the last to be current before the others.
    /// Drafts are left out, because a client takes the first version without `deprecated_at` for the current one.
    public var listed: [Version] {
        var published = all.reversed().filter { $0.state == .published }
        // One that was published again may have begun before its successor, and before history that came later.
        if let current = published.firstIndex(where: { $0.deprecatedAt == nil }) {
            published.insert(published.remove(at: current), at: 0)
        }
        return published
    }

    /// Without drafts, and without what was discarded.
    var published: VersionHistory {
        var published = self
        published.all = all.filter { $0.state == .published }
        return published
    }

    // MARK: Changing

    /// - Throws: `limit_exceeded` when there are as many versions as there can be.
    func requireRoom(for plural: String, countMax: Int) throws(Problem) {
        guard all.count < countMax else { throw Problem.tooMany(plural, countMax) }
    }

    /// Adds a draft, the new current version, or one that was deprecated already.
    /// - Throws: `conflict` when a new current version would begin before the one it takes over from.
    mutating func add(_ version: Version) throws(Problem) {
        guard version.state == .published else { return all.append(version) }
        guard version.deprecatedAt == nil else { return insertHistory(version) }
        try deprecateCurrent(at: version.validFrom)
        all.append(version)
    }

    /// A version that comes deprecated is history: it takes its place before the younger ones.
    private mutating func insertHistory(_ version: Version) {
        all.insert(version, at: all.firstIndex { $0.validFrom > version.validFrom } ?? all.count)
    }

    /// A draft becomes the current version. It goes to the end, so that the order of versions is the order in which they
    /// were current.
    mutating func publish(at place: Int, from validFrom: Timestamp) throws(Problem) {
        try requireDraft(at: place)
        try deprecateCurrent(at: validFrom)
        var version = all.remove(at: place)
        version.state = .published
        version.validFrom = validFrom
        all.append(version)
    }

    /// Undoes a deprecation: the version is the current one again, with the content, the id and the beginning that it
    /// always had, and the one that was current until now is deprecated in its turn.
    mutating func republish(at place: Int, from now: Timestamp) throws(Problem) {
        let id = all[place].id
        guard all[place].state == .published else {
            throw Problem(.conflict, "Version \(id) was never published.")
        }
        guard all[place].deprecatedAt != nil else {
            throw Problem(.conflict, "Version \(id) is the current one already.")
        }
        try deprecateCurrent(at: now)
        var version = all.remove(at: place)
        version.deprecatedAt = nil
        all.append(version)
    }

    /// Leaves the definition without a current version until another is added: clients that look for one stop posting.
    mutating func deprecate(at place: Int, from now: Timestamp) throws(Problem) {
        guard current?.id == all[place].id else {
            throw Problem(
                .conflict, "Version \(all[place].id) is not the current one, so there is nothing to deprecate.")
        }
        all[place].deprecatedAt = Swift.max(now, all[place].validFrom)
    }

    /// Throws a draft away.
    mutating func discard(at place: Int) throws(Problem) {
        try requireDraft(at: place)
        all[place].state = .discarded
    }

    private func requireDraft(at place: Int) throws(Problem) {
        guard all[place].state == .draft else { throw Problem(.conflict, "Version \(all[place].id) is no draft.") }
    }

    private mutating func deprecateCurrent(at now: Timestamp) throws(Problem) {
        guard let place = all.lastIndex(where: \.isCurrent) else { return }
        let validFrom = all[place].validFrom
        guard validFrom <= now else {
            throw Problem(
                .conflict,
                "A new version cannot be valid from before the current one, which is valid from \(validFrom).")
        }
        all[place].deprecatedAt = now
    }
}

/// Reading a history is reading its versions in the order in which they were current.
extension VersionHistory: RandomAccessCollection {
    public var startIndex: Int { 0 }
    public var endIndex: Int { all.count }
    public subscript(place: Int) -> Version { all[place] }
}
