import OvationCore
import OvationWire

/// The columns of a report beside its own, and who may be written to.
struct ReportRows: Sendable {
    let section: Section
    let view: ProfileView
    /// Empty: the report asks for no consents.
    let topics: [Topic]
    private let attributes: [Attribute]
    private let tags: [Tag]

    /// A channel, and where the addresses of profiles for it are.
    struct Channel: Sendable {
        let channel: OvationCore.Channel
        let keyspace: Keyspace
        /// That has the address where no key is one; nil: there is none in the section.
        fileprivate let attribute: Attribute?
    }

    /// - Throws: where it names what the caller does not know or may not read, or asks for what is not there.
    init(_ asked: Bodies.ReportFields, _ view: ProfileView) throws(Problem) {
        guard asked.segments == nil else { throw Problem.noSegments("segments") }
        guard let name = try? Discriminator<Section>(asked.sectionDiscriminator) else {
            throw Problem(.sectionNotFound, "There is no section \(asked.sectionDiscriminator.quoted).")
        }
        section = try view.caller.section(name)
        self.view = view
        let named = try NamedFields(attributes: asked.attributes, tags: asked.tags, in: section, view)
        attributes = named.attributes
        tags = named.tags
        topics = try ReportRows.topics(asked, section, view.caller.catalogue)
    }

    private static func topics(
        _ asked: Bodies.ReportFields, _ section: Section, _ catalogue: Catalogue
    ) throws(Problem) -> [Topic] {
        var folder: Folder?
        if let text = asked.consentListDiscriminator {
            guard let name = try? Discriminator<Folder>(text) else {
                throw Problem(.folderNotFound, "There is no consent list \(text.quoted).")
            }
            folder = try catalogue.listedFolder(name, in: section.discriminator)
        }
        guard let names = asked.topicDiscriminators else {
            guard let folder else { return [] }
            return catalogue.listedTopics(in: section.discriminator).filter { $0.folder == folder.discriminator }
        }
        guard names.count <= Limits.exportNamesMax else {
            throw Problem(.tooManyItems, "At most \(Limits.exportNamesMax) topics can be named.")
        }
        var topics: [Topic] = []
        for text in names {
            guard let name = try? Discriminator<Topic>(text) else {
                throw Problem(.topicNotFound, "The section has no topic \(text.quoted).")
            }
            let topic = try catalogue.listedTopic(name, in: section.discriminator)
            guard folder == nil || topic.folder == folder?.discriminator else {
                throw Problem(.topicNotFound, "The consent list has no topic \(text.quoted).")
            }
            topics.append(topic)
        }
        return topics
    }

    /// A channel of which the caller may read consents.
    func channel(_ text: String) throws(Problem) -> Channel {
        guard let name = try? Discriminator<OvationCore.Channel>(text) else {
            throw Problem(.channelNotFound, "There is no channel \(text.quoted).")
        }
        let catalogue = view.caller.catalogue
        let channel = try catalogue.listedChannel(name)
        let keyspace = try view.caller.keyspaceForReading(channel.keyspace)
        if !view.ignoresPermissions { try keyspace.requireReadableConsents() }
        return Channel(
            channel: channel, keyspace: keyspace,
            attribute: catalogue.mappedAttribute(of: keyspace, in: section.discriminator))
    }

    /// Numbers of the sections whose fields the rows are made from.
    var sectionsToRead: [Int64] { [0, section.number] }

    /// Where a profile may be written to by a channel about one of the topics: its key, or the value of the mapped attribute.
    /// nil: it may not be, or has no address. Suppressions are not looked at.
    func address(of data: ProfileData, _ reading: ProfileReading, by channel: Channel) -> ProfileKey? {
        guard reading.showsConsents,
            topics.contains(where: {
                Sending(of: data, section: section.number, topic: $0.number, channel: channel.channel.number).isAllowed
            })
        else { return nil }
        if let key = data.profile.keys.first(where: { $0.keyspace == channel.keyspace.number }) {
            return try? ProfileKey(key.text, format: channel.keyspace.keyFormat)
        }
        guard let attribute = channel.attribute, reading.mayRead(attribute),
            let held = held(data, .attribute(attribute.number))
        else { return nil }
        return held.value.value.profileKey(format: channel.keyspace.keyFormat)
    }

    /// The value of an attribute; nil: there is none, or it may not be read.
    func value(of attribute: Attribute, _ data: ProfileData, _ reading: ProfileReading) -> String? {
        guard reading.mayRead(attribute), let held = held(data, .attribute(attribute.number)),
            view.caller.catalogue.attributeVersion(held.value.version) != nil
        else { return nil }
        switch JSONValue(held.value.value) {
        case .string(let text), .number(let text): return text
        case .bool(let flag): return flag ? "true" : "false"
        case .null, .array, .object: return nil
        }
    }

    private func held(_ data: ProfileData, _ field: ProfileField) -> HeldField? {
        data.sections.first { $0.section == section.number }?[field]
    }

    /// The names of the further columns.
    var columns: [String] { attributes.map(\.discriminator.text) + tags.map(\.discriminator.text) }

    /// What stands in them.
    func cells(of data: ProfileData, _ reading: ProfileReading) -> [String] {
        attributes.map { value(of: $0, data, reading) ?? "" }
            + tags.map { reading.mayRead($0) && held(data, .tag($0.number)) != nil ? "true" : "" }
    }
}

extension ProfileFileRun {
    /// Which of the addresses are suppressed, by their places.
    func suppressed(_ addresses: [(key: ProfileKey, channel: Channel)], account: Int64) async throws -> Set<Int> {
        var found: Set<Int> = []
        var start = 0
        while start < addresses.count {
            let some = addresses[start..<min(start + Limits.profilesAskedMax, addresses.count)]
            let places = some.enumerated().compactMap { index, address in
                suppressions.profile(address.key, channel: address.channel, account: account).map {
                    (index: start + index, profile: $0, channel: address.channel.number)
                }
            }
            let search = ConsentSearch(account: account, keys: places.map(\.profile), values: [:], sections: [0])
            let matches = try await store.consents(search).keys
            for (place, match) in zip(places, matches)
            where AddressProfiles.suppression(in: match, channel: place.channel) != nil {
                found.insert(place.index)
            }
            start += some.count
        }
        return found
    }
}
