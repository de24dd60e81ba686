public enum FolderChange: Sendable, Equatable {
    case created(FolderHead)
    case changed(FolderHead)
    case removed(Discriminator<Folder>, in: Discriminator<Section>, at: Timestamp)

    public var folder: SectionKey<Folder> {
        switch self {
        case .created(let head), .changed(let head): head.key
        case .removed(let discriminator, let section, _): SectionKey(discriminator, in: section)
        }
    }
}

/// What of a folder can be said.
public struct FolderHead: Sendable, Codable, Equatable {
    public var discriminator: Discriminator<Folder>
    public var section: Discriminator<Section>
    public var name: String
    public var description: String

    public var key: SectionKey<Folder> { SectionKey(discriminator, in: section) }
}

extension Folder {
    public var head: FolderHead {
        FolderHead(discriminator: discriminator, section: section, name: name, description: summary)
    }
}

extension FolderChange: DefinitionChange {
    enum Kind: String, CaseIterable, Codable {
        case created = "folder.created"
        case changed = "folder.changed"
        case removed = "folder.removed"
    }

    var kind: Kind {
        switch self {
        case .created: .created
        case .changed: .changed
        case .removed: .removed
        }
    }

    var subject: String { folder.discriminator.text }

    var name: String? {
        switch self {
        case .created(let head), .changed(let head): head.name
        case .removed: nil
        }
    }

    func apply(to catalogue: inout Catalogue) throws(Problem) {
        switch self {
        case .created(let head):
            guard catalogue.sectionTable.place(of: head.section) != nil else { throw Problem.noSection(head.section) }
            try catalogue.folderTable.requireUnused(head.discriminator)
            try head.check()
            try catalogue.folderTable.add(Folder(head))
        case .changed(let head):
            let place = try catalogue.folderTable.livePlace(of: head.key)
            try head.check()
            try catalogue.folderTable.change(at: place) { folder in
                (folder.name, folder.summary) = (head.name, head.description)
            }
        case .removed(_, _, let at):
            let place = try catalogue.folderTable.livePlace(of: folder)
            if let topic = catalogue.listedTopics(in: folder.section).first(where: { $0.folder == folder.discriminator }
            ) {
                throw Problem(
                    .conflict,
                    "The topic '\(topic.discriminator)' is in the folder '\(folder.discriminator)'; move or remove its "
                        + "topics first.")
            }
            try catalogue.folderTable.change(at: place) { $0.removedAt = at }
        }
    }
}

extension FolderHead {
    fileprivate func check() throws(Problem) {
        _ = try DefinitionRules.name(name)
        _ = try DefinitionRules.description(description)
    }
}

// MARK: - The stored form

extension FolderChange: Codable {
    private enum Key: String, CodingKey { case kind, folder, section, at }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: Key.self)
        try container.encode(kind, forKey: .kind)
        switch self {
        case .created(let head), .changed(let head): try container.encode(head, forKey: .folder)
        case .removed(let discriminator, let section, let at):
            try container.encode(discriminator, forKey: .folder)
            try container.encode(section, forKey: .section)
            try container.encode(at, forKey: .at)
        }
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        switch try container.decode(Kind.self, forKey: .kind) {
        case .created: self = .created(try container.decode(FolderHead.self, forKey: .folder))
        case .changed: self = .changed(try container.decode(FolderHead.self, forKey: .folder))
        case .removed:
            self = .removed(
                try container.decode(Discriminator<Folder>.self, forKey: .folder),
                in: try container.decode(Discriminator<Section>.self, forKey: .section),
                at: try container.decode(Timestamp.self, forKey: .at))
        }
    }
}
