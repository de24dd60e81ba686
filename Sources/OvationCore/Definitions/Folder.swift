/// A group of topics in a section. The first generation of the API calls it a consent list.
public struct Folder: Sendable, Equatable {
    /// Unique in the account.
    public let discriminator: Discriminator<Folder>
    public let section: Discriminator<Section>
    public internal(set) var name: String
    public internal(set) var summary: String
    public internal(set) var removedAt: Timestamp?

    init(_ head: FolderHead) {
        self.discriminator = head.discriminator
        self.section = head.section
        self.name = head.name
        self.summary = head.description
    }
}

extension Folder: RemovableDefinition {
    typealias Key = SectionKey<Folder>

    var key: Key { SectionKey(discriminator, in: section) }
    static let plural = "folders"
    static let countMax = Limits.foldersMax

    static func notFound(_ key: Key) -> Problem { .noFolder(key.discriminator, in: key.section) }
}

extension Problem {
    public static func noFolder(_ discriminator: Discriminator<Folder>, in section: Discriminator<Section>) -> Problem {
        Problem(.folderNotFound, "The section '\(section)' has no folder '\(discriminator)'.")
    }
}
