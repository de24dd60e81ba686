import OvationCore
import OvationWire

/// What is written of each profile.
struct ProfileSelection: Sendable {
    /// By number; nil: all.
    var attributes: Set<Int64>?
    var tags: Set<Int64>?
    var hasConsents = false
    /// By section and in the order of the definitions; removed ones are among them.
    var eventTypes: [Discriminator<Section>: [EventType]] = [:]
    var from: Timestamp?
    var to: Timestamp?
    /// Whether each value that an attribute has had is there too.
    var hasHistory = false
}

/// Writes profiles in the layout of the vendor's export: by export key, their sections.
struct ProfileJSON: Sendable {
    let store: any EventStore & ProfileStore
    let view: ProfileView
    let selection: ProfileSelection
    let account: Int64

    /// The events of a section, page by page.
    struct Events: Sendable {
        fileprivate let filter: EventFilter
        fileprivate let first: EventPage?
    }

    /// What is read of a profile beside its fields.
    func events(of data: ProfileData, _ reading: ProfileReading) async throws -> [Int64: Events] {
        var found: [Int64: Events] = [:]
        for section in view.sections {
            let versions = (selection.eventTypes[section.discriminator] ?? []).filter { reading.mayRead($0) }
                .flatMap { $0.versions.map(\.id) }
            guard !versions.isEmpty else { continue }
            let filter = EventFilter(
                profile: try reading.address(account: account), section: section.number, versions: versions,
                from: selection.from, to: selection.to)
            let page = try await store.events(filter, after: nil, limit: ProfileJSON.firstEvents)
            found[section.number] = Events(filter: filter, first: page)
        }
        // The key may have been taken from the profile since it was read, and lead to somebody else.
        guard !found.isEmpty else { return [:] }
        return try await isStill(data.profile.id, by: reading.address(account: account)) ? found : [:]
    }

    /// Whether the key by which a profile is read leads to it now.
    private func isStill(_ id: ProfileID, by address: ProfileAddress) async throws -> Bool {
        try await store.profile(.address(address))?.id == id
    }

    private static let firstEvents = 100

    /// - Parameter members: of the profile's object, before its sections.
    func write(
        _ data: ProfileData, _ reading: ProfileReading, _ events: [Int64: Events], members: [JSONValue.Member] = [],
        to output: inout ResultWriter, _ progress: inout FileProgress
    ) async throws {
        var writer = JSONWriter()
        writer.append(string: data.profile.id.hex)
        writer.append(raw: ":{")
        for member in members {
            writer.append(string: member.name)
            writer.append(raw: ":")
            writer.append(member.value)
            writer.append(raw: ",")
        }
        writer.append(raw: "\"sections\":{")
        var target = Target(data.profile)
        var isFirst = true
        for section in view.sections {
            let held = data.sections.first { $0.section == section.number }?.fields ?? []
            let own = events[section.number]
            let consents = self.consents(of: data, in: section, reading)
            let hasEvents = own?.first.map { !$0.events.isEmpty || $0.next != nil } ?? false
            guard !held.isEmpty || hasEvents || consents.contains(where: { !($0.value.array ?? []).isEmpty }) else {
                continue
            }
            if !isFirst { writer.append(raw: ",") }
            isFirst = false
            writer.append(string: section.discriminator.text)
            writer.append(raw: ":{")
            try await writeAttributes(held, of: section, reading, &writer, &target, to: &output, &progress)
            writeTags(held, reading, &writer)
            for consent in consents {
                writer.append(raw: ",")
                writer.append(string: consent.name)
                writer.append(raw: ":")
                writer.append(consent.value)
            }
            if let own { try await write(own, &writer, &target, to: &output, &progress) }
            writer.append(raw: "}")
        }
        writer.append(raw: "}}")
        try await target.write(&writer, to: &output)
    }

    /// Where the bytes of a profile go, some at a time.
    private struct Target {
        /// The canonical one first.
        let members: [ProfileID]
        var isFirst = true

        init(_ profile: Profile) { members = profile.members.map(\.id) }

        mutating func write(_ writer: inout JSONWriter, to output: inout ResultWriter) async throws {
            if isFirst {
                try await output.append(writer.bytes, beginning: members)
            } else {
                try await output.append(writer.bytes, continuing: members[0])
            }
            isFirst = false
            writer.bytes.removeAll(keepingCapacity: true)
        }
    }

    private func writeAttributes(
        _ held: [HeldField], of section: Section, _ reading: ProfileReading, _ writer: inout JSONWriter,
        _ target: inout Target, to output: inout ResultWriter, _ progress: inout FileProgress
    ) async throws {
        writer.append(raw: "\"attributes\":{")
        var isFirst = true
        for field in held {
            guard let attribute = attribute(field.field, reading), knows(field.value) else { continue }
            if !isFirst { writer.append(raw: ",") }
            isFirst = false
            writer.append(string: attribute.discriminator.text)
            writer.append(raw: ":")
            writer.append(JSONValue(field.value.value))
        }
        if selection.hasHistory {
            writer.append(raw: isFirst ? "\"history\":[" : ",\"history\":[")
            try await writeHistory(of: section, reading, &writer, &target, to: &output, &progress)
            writer.append(raw: "]")
        }
        writer.append(raw: "}")
    }

    /// A version that is a draft is known to admins alone.
    private func knows(_ value: ProfileValue) -> Bool { view.caller.catalogue.attributeVersion(value.version) != nil }

    private func attribute(_ field: ProfileField, _ reading: ProfileReading) -> Attribute? {
        guard field.kind == .attribute, selection.attributes?.contains(field.number) ?? true,
            let attribute = view.caller.catalogue.attribute(number: field.number), reading.mayRead(attribute)
        else { return nil }
        return attribute
    }

    private func writeHistory(
        of section: Section, _ reading: ProfileReading, _ writer: inout JSONWriter, _ target: inout Target,
        to output: inout ResultWriter, _ progress: inout FileProgress
    ) async throws {
        var filter = ProfileChangeFilter(
            profile: try reading.address(account: account), sections: [section.number], kinds: [.attribute],
            limit: Limits.changesPageMax)
        var isFirst = true
        while let page = try await store.changes(filter) {
            for change in page.changes {
                for edit in change.edits {
                    guard let attribute = attribute(edit.field, reading), edit.to.map(knows) ?? true else { continue }
                    if !isFirst { writer.append(raw: ",") }
                    isFirst = false
                    writer.append(
                        .object([
                            .init("attribute_discriminator", .string(attribute.discriminator.text)),
                            .init("value", edit.to.map { JSONValue($0.value) } ?? .null),
                            .init("set_at", .string(change.at.rfc3339)), .init("set_by", .string(change.actor)),
                        ]))
                }
            }
            try await target.write(&writer, to: &output)
            try await progress.noteIfDue(bytes: output.bytes)
            guard let next = page.next else { return }
            filter.before = next
        }
    }

    private func writeTags(_ held: [HeldField], _ reading: ProfileReading, _ writer: inout JSONWriter) {
        let tags = held.compactMap { field -> JSONValue? in
            guard field.field.kind == .tag, selection.tags?.contains(field.field.number) ?? true,
                let tag = view.caller.catalogue.tag(number: field.field.number), reading.mayRead(tag)
            else { return nil }
            return .string(tag.discriminator.text)
        }
        writer.append(raw: ",\"tags\":")
        writer.append(.array(tags))
    }

    private func consents(
        of data: ProfileData, in section: Section, _ reading: ProfileReading
    ) -> [(name: String, value: JSONValue)] {
        guard selection.hasConsents, reading.showsConsents else { return [] }
        let body = Bodies.Consents(data, section: section.number, in: view.caller.account.catalogue)
        return [("consents", .array(body.items.map(\.json))), ("opt_outs", .array(body.optOuts.map(\.json)))]
    }

    private func write(
        _ events: Events, _ writer: inout JSONWriter, _ target: inout Target, to output: inout ResultWriter,
        _ progress: inout FileProgress
    ) async throws {
        writer.append(raw: ",\"events\":[")
        var isFirst = true
        var page = events.first
        while let read = page {
            for item in Bodies.EventPage(read, in: view.caller.catalogue).items {
                if !isFirst { writer.append(raw: ",") }
                isFirst = false
                writer.append(item.json)
            }
            try await target.write(&writer, to: &output)
            try await progress.noteIfDue(bytes: output.bytes)
            guard let next = read.next else { break }
            page = try await store.events(events.filter, after: next, limit: Limits.pageSizeMax)
            guard try await isStill(target.members[0], by: events.filter.profile) else { break }
        }
        writer.append(raw: "]")
    }
}
