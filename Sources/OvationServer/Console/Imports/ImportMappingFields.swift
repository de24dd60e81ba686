import OvationConsole
import OvationCore
import OvationWire

/// What the form says that columns mean. A column has one meaning here: the API knows several.
struct MappingFields {
    private enum Option: String, CaseIterable {
        case update, clear, resubscribe, check

        var label: String {
            switch self {
            case .update: "Update profiles that are there"
            case .clear: "An empty cell clears its attribute"
            case .resubscribe: "Opt in people who have opted out"
            case .check: "Only check the file, and store nothing"
            }
        }
    }

    /// By the places of the columns; empty: the column is not imported.
    let meanings: [String]
    /// Column with the addresses of consents.
    let addressColumn: String
    private let columns: [String]
    private let chosen: Set<Option>

    init(_ visit: Visit, columns: [String]) {
        let form = visit.form
        self.columns = columns
        let isFirst = !form.has(ImportColumnsPage.control(0))
        let known = Meanings(visit)
        meanings = isFirst ? known.guesses(columns) : columns.indices.map { form[ImportColumnsPage.control($0)] }
        chosen = isFirst ? [.update] : Set(form.values("options").compactMap(Option.init))
        let key = meanings.firstIndex { $0.hasPrefix("key:") }.map { columns[$0] } ?? ""
        addressColumn = form["address"].isEmpty ? key : form["address"]
    }

    var hasKey: Bool { keyIndex != nil }
    var keyIndex: Int? { meanings.firstIndex { $0.hasPrefix("key:") } }
    var isCheckOnly: Bool { chosen.contains(.check) }

    var options: [Choice] {
        Option.allCases.map { Choice(value: $0.rawValue, label: $0.label, selected: chosen.contains($0)) }
    }

    /// What the form asks for; with several keys, the first one.
    var request: Bodies.ImportRequest {
        var request = Bodies.ImportRequest()
        var attributes: [Bodies.ImportAttribute] = []
        var tags: [Bodies.ImportTag] = []
        var consents: [Bodies.ImportConsent] = []
        for (column, meaning) in zip(columns, meanings) {
            let end = meaning.firstIndex(of: ":") ?? meaning.endIndex
            let name = String(meaning[end...].dropFirst())
            switch meaning[..<end] {
            case "key" where request.keyspaceMapping.fieldSelector.isEmpty:
                request.keyspaceMapping.keyspaceDiscriminator = name
                request.keyspaceMapping.fieldSelector = column
            case "attribute":
                var attribute = Bodies.ImportAttribute()
                (attribute.fieldSelector, attribute.attributeDiscriminator) = (column, name)
                attributes.append(attribute)
            case "tag":
                var tag = Bodies.ImportTag()
                (tag.fieldSelector, tag.tagDiscriminator) = (column, name)
                tags.append(tag)
            case "opt-in", "opt-out":
                let parts = name.split(separator: "@", maxSplits: 1).map(String.init)
                guard parts.count == 2 else { continue }
                var consent = Bodies.ImportConsent()
                consent.fieldSelector = column
                consent.type = meaning.hasPrefix("opt-in") ? .optIn : .optOut
                (consent.topicDiscriminator, consent.channelDiscriminator) = (parts[0], parts[1])
                consent.resubscribeIfOptedOut = chosen.contains(.resubscribe)
                consents.append(consent)
            default: continue
            }
        }
        request.mappings.options = Bodies.ImportOptions()
        request.mappings.options?.updateExistingProfiles = chosen.contains(.update)
        request.mappings.options?.clearExistingAttributes = chosen.contains(.clear)
        request.mappings.options?.validateOnly = isCheckOnly
        request.mappings.attributeMappings = attributes
        request.mappings.tagMappings = tags
        if !consents.isEmpty {
            var mapped = Bodies.ImportConsents()
            (mapped.addressFieldSelector, mapped.consents) = (addressColumn, consents)
            request.mappings.consentMappings = [mapped]
        }
        return request
    }

    /// The control that an error of the request is about; nil: of none.
    func control(of pointer: String) -> String? {
        let parts = pointer.split(separator: "/").filter { $0 != "import" }
        guard parts.count >= 2, let place = Int(parts[1]) else { return nil }
        let kinds: [String]
        switch parts[0] {
        case "attribute_mappings": kinds = ["attribute:"]
        case "tag_mappings": kinds = ["tag:"]
        case "consent_mappings": kinds = ["opt-in:", "opt-out:"]
        default: return nil
        }
        // Mappings of a kind stand in the order of their columns.
        let places = meanings.indices.filter { index in kinds.contains { meanings[index].hasPrefix($0) } }
        return places.indices.contains(place) ? ImportColumnsPage.control(places[place]) : nil
    }
}

/// What a column can mean in the section of the form.
struct Meanings {
    private let keyspaces: [Choice]
    private let attributes: [Choice]
    private let tags: [Choice]
    private let consents: [Choice]
    let sectionName: String

    init(_ visit: Visit) {
        let catalogue = visit.catalogue
        keyspaces = catalogue.keyspaces.map {
            Choice(value: "key:" + $0.discriminator.text, label: "Profile key: \($0.name)")
        }
        guard let section = (try? Discriminator<Section>(visit.form["section"])).flatMap(catalogue.section) else {
            (attributes, tags, consents, sectionName) = ([], [], [], visit.form["section"])
            return
        }
        sectionName = section.name
        attributes = catalogue.listedAttributes(in: section.discriminator)
            .filter { $0.currentVersion != nil }
            .map { Choice(value: "attribute:" + $0.discriminator.text, label: $0.name) }
        tags = catalogue.listedTags(in: section.discriminator)
            .filter { !$0.isHidden }
            .map { Choice(value: "tag:" + $0.discriminator.text, label: $0.name) }
        let channels = catalogue.listedChannels
        consents = catalogue.listedTopics(in: section.discriminator).flatMap { topic in
            channels.filter { topic.channel == nil || topic.channel == $0.discriminator }.flatMap { channel in
                [("opt-in", "Opt-in"), ("opt-out", "Opt-out")].map { type, word in
                    Choice(
                        value: "\(type):\(topic.discriminator.text)@\(channel.discriminator.text)",
                        label: "\(word): \(topic.name) by \(channel.name)")
                }
            }
        }
    }

    var hasConsents: Bool { !consents.isEmpty }

    func groups(selected: String) -> [ImportColumnsPage.Group] {
        [("Profile key", keyspaces), ("Attributes", attributes), ("Tags", tags), ("Consents", consents)]
            .filter { !$0.1.isEmpty }
            .map { name, choices in
                .init(
                    name: name,
                    choices: choices.map {
                        Choice(value: $0.value, label: $0.label, selected: $0.value == selected)
                    })
            }
    }

    /// What columns seem to mean, by their names; empty where nothing has that name.
    func guesses(_ columns: [String]) -> [String] {
        var taken: Set<String> = []
        var hasKey = false
        return columns.map { column in
            let name = Meanings.plain(column)
            let key = keyspaces.first { choice in
                let keyspace = Meanings.plain(choice.label.split(separator: ":").last.map(String.init) ?? "")
                return name == keyspace || (keyspace == "email" && ["mail", "emailaddress"].contains(name))
            }
            if let key, !hasKey {
                hasKey = true
                return key.value
            }
            let named = (attributes + tags).first { choice in
                Meanings.plain(choice.label) == name
                    || Meanings.plain(choice.value.split(separator: ".").last.map(String.init) ?? "") == name
            }
            guard let named, taken.insert(named.value).inserted else { return "" }
            return named.value
        }
    }

    /// Letters and digits, as `First name` and `first_name` share them.
    private static func plain(_ text: String) -> String {
        String(
            text.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || $0.properties.numericType != nil })
    }
}
