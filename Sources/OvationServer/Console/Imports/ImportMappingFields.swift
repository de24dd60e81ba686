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
    let known: Meanings
    private let columns: [String]
    private let chosen: Set<Option>

    init(_ visit: Visit, columns: [String]) {
        let form = visit.form
        self.columns = columns
        let isFirst = !form.has(ImportColumnsPage.control(0))
        known = Meanings(visit.catalogue, section: visit.form["section"])
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

/// What a column can mean in a section, as far as the page lists it.
struct Meanings {
    private let keyspaces: [Choice]
    private let attributes: [Choice]
    private let tags: [Choice]
    private let consents: [Choice]
    let sectionName: String
    /// Whether there are meanings that are not listed.
    let hasMore: Bool

    init(_ catalogue: Catalogue, section name: String) {
        var kinds = Kinds()
        keyspaces = kinds.first(catalogue.keyspaces) {
            Choice(value: "key:" + $0.discriminator.text, label: "Profile key: \($0.name)")
        }
        guard let section = (try? Discriminator<Section>(name)).flatMap(catalogue.section) else {
            (attributes, tags, consents, sectionName, hasMore) = ([], [], [], name, kinds.hasMore)
            return
        }
        sectionName = section.name
        attributes = kinds.first(
            catalogue.listedAttributes(in: section.discriminator).lazy.filter { $0.currentVersion != nil }
        ) { Choice(value: "attribute:" + $0.discriminator.text, label: $0.name) }
        tags = kinds.first(catalogue.listedTags(in: section.discriminator).lazy.filter { !$0.isHidden }) {
            Choice(value: "tag:" + $0.discriminator.text, label: $0.name)
        }
        let channels = catalogue.listedChannels
        let consents = catalogue.listedTopics(in: section.discriminator).lazy.flatMap { topic in
            channels.filter { topic.channel == nil || topic.channel == $0.discriminator }.flatMap { channel in
                [("opt-in", "Opt-in"), ("opt-out", "Opt-out")].map { (type: $0, word: $1, topic, channel) }
            }
        }
        self.consents = kinds.first(consents) { type, word, topic, channel in
            Choice(
                value: "\(type):\(topic.discriminator.text)@\(channel.discriminator.text)",
                label: "\(word): \(topic.name) by \(channel.name)")
        }
        hasMore = kinds.hasMore
    }

    /// Takes the first of each kind.
    private struct Kinds {
        var hasMore = false

        mutating func first<Found: Sequence>(_ all: Found, _ choice: (Found.Element) -> Choice) -> [Choice] {
            let some = Array(all.prefix(Limits.mappingMeaningsMax + 1))
            if some.count > Limits.mappingMeaningsMax { hasMore = true }
            return some.prefix(Limits.mappingMeaningsMax).map(choice)
        }
    }

    var hasConsents: Bool { !consents.isEmpty }

    /// Columns of the page: each has a list of all meanings.
    var columnsMax: Int {
        let count = keyspaces.count + attributes.count + tags.count + consents.count
        return min(Limits.mappingColumnsMax, Limits.mappingEntriesMax / max(1, count))
    }

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

    /// What columns seem to mean, by their names; empty where nothing has that name, and for columns that the page does not have.
    func guesses(_ columns: [String]) -> [String] {
        let (keys, fields) = (keysByName, fieldsByName)
        var taken: Set<String> = []
        var hasKey = false
        return columns.enumerated().map { index, column in
            guard index < columnsMax else { return "" }
            let name = Meanings.plain(column)
            if !hasKey, let key = keys[name] {
                hasKey = true
                return key
            }
            guard let field = fields[name], taken.insert(field).inserted else { return "" }
            return field
        }
    }

    /// Of several with one name, the first.
    private var keysByName: [String: String] {
        var found: [String: String] = [:]
        for choice in keyspaces {
            let name = Meanings.plain(choice.label.split(separator: ":").last.map(String.init) ?? "")
            for name in name == "email" ? [name, "mail", "emailaddress"] : [name] where found[name] == nil {
                found[name] = choice.value
            }
        }
        return found
    }

    private var fieldsByName: [String: String] {
        var found: [String: String] = [:]
        for choice in attributes + tags {
            let last = choice.value.split(separator: ".").last.map(String.init) ?? ""
            for name in [Meanings.plain(choice.label), Meanings.plain(last)] where found[name] == nil {
                found[name] = choice.value
            }
        }
        return found
    }

    /// Letters and digits, as `First name` and `first_name` share them.
    private static func plain(_ text: String) -> String {
        String(
            text.lowercased().unicodeScalars.filter { $0.properties.isAlphabetic || $0.properties.numericType != nil })
    }
}
