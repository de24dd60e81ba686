import OvationCore
import OvationWire

/// Writes profiles as an export gives them, as the bytes of ``Bodies/ExportedProfile`` or as CSV. There can be millions, so
/// names are looked up once for each field and keyspace.
struct ProfileLines {
    private struct Place: Hashable {
        let keyspace: Int64
        let field: ProfileField
        let version: Int64
    }

    typealias ShownKey = (key: Profile.Key, keyspace: SectionProfileView.Shown)

    let view: SectionProfileView
    private let cursorStart: [UInt8]
    /// A discriminator in quotes; nil: it may not be read.
    private var known: [Place: [UInt8]?] = [:]

    init(_ view: SectionProfileView, since: Int64) {
        self.view = view
        cursorStart = Array(ProfileExportCursor.start(since: since).utf8)
    }

    /// The keys that the caller may read.
    func shown(_ profile: Profile) -> [ShownKey] {
        profile.members.compactMap { member in
            member.key.flatMap { key in view.keyspace(key.keyspace).map { (key, $0) } }
        }
    }

    // MARK: Lines of JSON

    /// - Returns: false: no key of it may be read, and nothing is written.
    mutating func append(
        _ data: ProfileData, at place: ProfileID, hasTimes: Bool, to writer: inout JSONWriter
    ) -> Bool {
        let shown = shown(data.profile)
        guard !shown.isEmpty else { return false }
        writer.append(raw: "{\"profile_id\":\"")
        writer.append(hex: data.profile.id)
        writer.append(raw: "\",\"keys\":[")
        for (index, (key, keyspace)) in shown.enumerated() {
            writer.append(raw: index > 0 ? ",{\"keyspace_discriminator\":\"" : "{\"keyspace_discriminator\":\"")
            writer.bytes.append(contentsOf: keyspace.name.utf8)
            writer.append(raw: "\",\"key\":")
            writer.append(string: key.text)
            writer.append(raw: "}")
        }
        writer.append(raw: "],\"created_at\":\"")
        data.profile.createdAt.append(to: &writer.bytes)
        writer.append(raw: data.profile.state == .locked ? "\",\"state\":\"locked\"" : "\",\"state\":\"open\"")
        append(fieldsOf: data, shown, hasTimes: hasTimes, to: &writer)
        writer.append(raw: ",\"cursor\":\"")
        writer.bytes.append(contentsOf: cursorStart)
        writer.append(hex: place)
        writer.append(raw: "\"}\n")
        return true
    }

    private mutating func append(
        fieldsOf data: ProfileData, _ shown: [ShownKey], hasTimes: Bool, to writer: inout JSONWriter
    ) {
        let held = data.sections.first { $0.section == view.section.number }?.fields ?? []
        let names = held.map { name(of: $0, shown) }
        writer.append(raw: ",\"attributes\":{")
        var isFirst = true
        for (field, name) in zip(held, names) where field.field.kind == .attribute {
            guard let name else { continue }
            writer.append(next: name, &isFirst)
            writer.append(raw: ":")
            writer.append(value: field.value.value)
        }
        writer.append(raw: "},\"tags\":[")
        isFirst = true
        for (field, name) in zip(held, names) where field.field.kind == .tag {
            if let name { writer.append(next: name, &isFirst) }
        }
        let consents = consents(of: data, shown)
        writer.append(raw: "],\"consents\":")
        writer.append(.array(consents.items.map(\.json)))
        writer.append(raw: ",\"opt_outs\":")
        writer.append(.array(consents.optOuts.map(\.json)))
        guard hasTimes else { return }
        writer.append(raw: ",\"set_at\":{")
        isFirst = true
        for (field, name) in zip(held, names) {
            guard let name else { continue }
            writer.append(next: name, &isFirst)
            writer.append(raw: ":\"")
            field.setAt.append(to: &writer.bytes)
            writer.append(raw: "\"")
        }
        writer.append(raw: "}")
    }

    mutating func name(of held: HeldField, _ shown: [ShownKey]) -> [UInt8]? {
        for (key, keyspace) in shown {
            let place = Place(keyspace: key.keyspace, field: held.field, version: held.value.version)
            if let found = known[place] {
                if let found { return found }
                continue
            }
            let name = view.name(of: held, through: keyspace).map { Array("\"\($0)\"".utf8) }
            known[place] = .some(name)
            if let name { return name }
        }
        return nil
    }

    /// As far as one of the keyspaces shows them.
    func consents(of data: ProfileData, _ shown: [ShownKey]) -> Bodies.Consents {
        guard data.sections.contains(where: { $0.fields.contains { $0.field.kind == .consent } }),
            shown.contains(where: \.keyspace.showsConsents)
        else { return Bodies.Consents() }
        return Bodies.Consents(data, section: view.section.number, in: view.catalogue)
    }

    // MARK: CSV

    /// - Returns: false: no key of it may be read, and nothing is written.
    mutating func append(_ data: ProfileData, _ columns: ProfileColumns, to writer: inout JSONWriter) -> Bool {
        let shown = shown(data.profile)
        guard !shown.isEmpty else { return false }
        let guardsFormulas = columns.guardsFormulas
        writer.append(hex: data.profile.id)
        writer.append(raw: ",")
        data.profile.createdAt.append(to: &writer.bytes)
        writer.append(raw: data.profile.state == .locked ? ",locked" : ",open")
        for (number, _) in columns.keyspaces {
            writer.append(raw: ",")
            // No key has a control character.
            let texts = shown.filter { $0.key.keyspace == number }.map(\.key.text)
            writer.append(cell: texts.joined(separator: "\n"), guardsFormulas: guardsFormulas)
        }
        let held = data.sections.first { $0.section == view.section.number }
        for (number, _) in columns.attributes {
            writer.append(raw: ",")
            guard let field = held?[.attribute(number)], name(of: field, shown) != nil else { continue }
            writer.append(cell: field.value.value, guardsFormulas: guardsFormulas)
        }
        for (number, _) in columns.tags {
            writer.append(raw: ",")
            if let field = held?[.tag(number)], name(of: field, shown) != nil { writer.append(true) }
        }
        let consents = consents(of: data, shown)
        for (topic, channel) in columns.consents {
            writer.append(raw: ",")
            let consent = consents.items.first { $0.topicDiscriminator == topic && $0.channelDiscriminator == channel }
            if let consent { writer.bytes.append(contentsOf: consent.type.rawValue.utf8) }
        }
        for channel in columns.optOuts {
            writer.append(raw: ",")
            let optOuts = consents.optOuts.filter { $0.channelDiscriminator == channel }
            guard !optOuts.isEmpty else { continue }
            writer.append(raw: optOuts.contains { $0.isOfAccount } ? "account" : "section")
        }
        writer.append(raw: "\r\n")
        return true
    }
}

extension JSONWriter {
    fileprivate mutating func append(hex id: ProfileID) {
        let word = UInt64(bitPattern: id.value)
        for shift in stride(from: UInt64(60), through: 0, by: -4) {
            let digit = UInt8(truncatingIfNeeded: word >> shift) & 0xF
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
    }

    fileprivate mutating func append(next name: [UInt8], _ isFirst: inout Bool) {
        if !isFirst { append(raw: ",") }
        isFirst = false
        bytes.append(contentsOf: name)
    }

    fileprivate mutating func append(value: FieldValue) {
        switch value {
        case .string(let text): append(string: text)
        case .integer(let number): append(number)
        case .double(let number): append(number)
        case .boolean(let flag): append(flag)
        }
    }
}
