import OvationCore
import OvationWire

/// What a caller may read of profiles in a section: what may be read through one of the keyspaces whose keys the caller may
/// read, as if each profile was asked for by each of its keys.
struct ProfileView {
    /// A keyspace that the caller may read.
    struct Shown {
        let name: String
        let fields: ReadableFields
        let showsConsents: Bool
    }

    let catalogue: Catalogue
    let section: Section
    private let keyspaces: [Int64: Shown]

    init(_ caller: Identity, section: Section, ignoresPermissions: Bool) {
        catalogue = caller.catalogue
        self.section = section
        let readable = caller.catalogue.keyspaces.filter { caller.key.mayRead($0.discriminator) }
        keyspaces = Dictionary(
            readable.map { keyspace in
                let fields = ReadableFields(
                    caller.catalogue, through: keyspace.discriminator, ignoringPermissions: ignoresPermissions)
                let shown = Shown(
                    name: keyspace.discriminator.text, fields: fields,
                    showsConsents: ignoresPermissions || keyspace.showsConsents)
                return (keyspace.number, shown)
            }, uniquingKeysWith: { $1 })
    }

    /// nil: the caller may not read it.
    func keyspace(_ number: Int64) -> Shown? { keyspaces[number] }

    /// The discriminator of an attribute or a tag; nil: it may not be read through the keyspace.
    func name(of held: HeldField, through keyspace: Shown) -> String? {
        switch held.field.kind {
        case .attribute:
            guard let attribute = keyspace.fields.attribute(held.field),
                keyspace.fields.version(held.value.version) != nil
            else { return nil }
            return attribute.discriminator.text
        case .tag: return keyspace.fields.tag(held.field)?.discriminator.text
        case .consent, .life: return nil
        }
    }

    /// Of all keyspaces that the caller may read, and of what was not removed.
    func columns(guardsFormulas: Bool, hasMark: Bool) -> ProfileColumns {
        var columns = ProfileColumns(guardsFormulas: guardsFormulas, hasMark: hasMark)
        columns.keyspaces = catalogue.keyspaces.compactMap { keyspace in
            keyspaces[keyspace.number].map { (keyspace.number, $0.name) }
        }
        let shown = keyspaces.values
        columns.attributes = catalogue.listedAttributes(in: section.discriminator).filter { attribute in
            shown.contains { $0.fields.attribute(.attribute(attribute.number)) != nil }
        }.map { ($0.number, $0.discriminator.text) }
        columns.tags = catalogue.listedTags(in: section.discriminator).filter { tag in
            shown.contains { $0.fields.tag(.tag(tag.number)) != nil }
        }.map { ($0.number, $0.discriminator.text) }
        guard shown.contains(where: \.showsConsents) else { return columns }
        let channels = catalogue.listedChannels.map(\.discriminator.text)
        columns.optOuts = channels
        for topic in catalogue.topics where topic.section == section.discriminator && topic.removedAt == nil {
            for channel in topic.channel.map({ [$0.text] }) ?? channels {
                columns.consents.append((topic.discriminator.text, channel))
            }
        }
        return columns
    }
}
