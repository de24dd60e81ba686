extension Catalogue {
    /// Folds one change in. Every rule that must hold for the catalogue as a whole is checked here, so that an edit, a
    /// model file and a log from another server all pass the same gate.
    mutating func apply(_ change: CatalogueChange) throws(Problem) {
        switch change {
        case .sectionCreated(let section): try add(section)
        case .sectionRenamed(let discriminator, let name):
            guard let index = sectionIndex[discriminator] else { throw Problem.noSection(discriminator) }
            sections[index].name = try checkedName(name)
        case .keyspaceCreated(let keyspace): try add(keyspace)
        case .keyspaceChanged(let discriminator, let name, let managesSubscriptions):
            guard let index = keyspaceIndex[discriminator] else { throw Problem.noKeyspace(discriminator) }
            keyspaces[index].name = try checkedName(name)
            keyspaces[index].managesSubscriptions = managesSubscriptions
        case .eventTypeCreated(let head): try add(head)
        case .eventTypeChanged(let head): try replace(head)
        case .eventTypeRemoved(let discriminator, let at):
            guard let index = eventTypeIndex[discriminator] else { throw Problem.noEventType(discriminator) }
            eventTypes[index].removedAt = at
        case .versionAdded(let added): try add(added)
        case .versionPublished(let id, let at): try publish(id, at: at)
        case .versionRepublished(let id, let at): try republish(id, at: at)
        case .versionDiscarded(let id):
            let place = try placeOfDraft(id)
            eventTypes[place.eventType].versions[place.version].state = .discarded
        case .versionDeprecated(let id, let at): try deprecate(id, at: at)
        case .noted: break
        }
    }

    private mutating func add(_ section: Section) throws(Problem) {
        guard sectionIndex[section.discriminator] == nil else { throw Problem.exists(section.discriminator.text) }
        guard sections.count < Limits.sectionsMax else { throw Problem.tooMany("sections", Limits.sectionsMax) }
        _ = try checkedName(section.name)
        sectionIndex[section.discriminator] = sections.count
        sections.append(section)
    }

    private mutating func add(_ keyspace: Keyspace) throws(Problem) {
        guard keyspaceIndex[keyspace.discriminator] == nil else { throw Problem.exists(keyspace.discriminator.text) }
        guard keyspaces.count < Limits.keyspacesMax else { throw Problem.tooMany("keyspaces", Limits.keyspacesMax) }
        _ = try checkedName(keyspace.name)
        keyspaceIndex[keyspace.discriminator] = keyspaces.count
        keyspaces.append(keyspace)
    }

    private mutating func add(_ head: EventTypeHead) throws(Problem) {
        guard eventTypeIndex[head.discriminator] == nil else { throw Problem.exists(head.discriminator.text) }
        guard sectionIndex[head.section] != nil else { throw Problem.noSection(head.section) }
        guard eventTypes.count < Limits.eventTypesMax else {
            throw Problem.tooMany("event types", Limits.eventTypesMax)
        }
        eventTypeIndex[head.discriminator] = eventTypes.count
        eventTypes.append(
            EventType(
                discriminator: head.discriminator, section: head.section, category: head.category,
                name: try checkedName(head.name), summary: try checkedDescription(head.description),
                permissions: try checkedPermissions(head.permissions), versions: [], removedAt: nil))
    }

    private mutating func replace(_ head: EventTypeHead) throws(Problem) {
        let index = try indexOfLiveEventType(head.discriminator)
        guard eventTypes[index].category == head.category, eventTypes[index].section == head.section else {
            throw Problem(
                .conflict,
                "The category and the section of '\(head.discriminator)' are fixed for good; "
                    + "create another event type instead.")
        }
        eventTypes[index].name = try checkedName(head.name)
        eventTypes[index].summary = try checkedDescription(head.description)
        eventTypes[index].permissions = try checkedPermissions(head.permissions)
    }

    private mutating func add(_ added: VersionAdded) throws(Problem) {
        let index = try indexOfLiveEventType(added.eventType)
        guard added.id > 0, added.id <= Limits.versionIDMax else {
            throw Problem(
                .invalidVersionID, "A version id is a number from 1 to \(Limits.versionIDMax), not \(added.id).")
        }
        guard versionIndex[added.id] == nil else {
            throw Problem(.alreadyExists, "The account already has a version with the id \(added.id).")
        }
        guard eventTypes[index].versions.count < Limits.versionsPerEventTypeMax else {
            throw Problem.tooMany("versions of one event type", Limits.versionsPerEventTypeMax)
        }
        let schema = try EventSchema(fields: added.fields)
        let version = EventVersion(
            id: added.id, state: added.state, schema: schema, validFrom: added.validFrom,
            deprecatedAt: added.deprecatedAt)
        // A version that comes deprecated is history: it takes its place before the younger ones.
        let isHistory = added.state == .published && added.deprecatedAt != nil
        let place = isHistory ? eventTypes[index].versions.firstIndex { $0.validFrom > added.validFrom } : nil
        if added.state == .published, !isHistory {
            try deprecateCurrentVersion(of: index, at: added.validFrom)
        }
        highestVersionID = max(highestVersionID, added.id)
        eventTypes[index].versions.insert(version, at: place ?? eventTypes[index].versions.count)
        indexVersions(of: index)
    }

    /// The published version goes to the end, so that the order of versions is the order in which they were current.
    private mutating func publish(_ id: EventVersion.ID, at: Timestamp) throws(Problem) {
        let place = try placeOfDraft(id)
        try deprecateCurrentVersion(of: place.eventType, at: at)
        var version = eventTypes[place.eventType].versions.remove(at: place.version)
        version.state = .published
        version.validFrom = at
        eventTypes[place.eventType].versions.append(version)
        indexVersions(of: place.eventType)
    }

    /// Undoes a deprecation: the version is the current one again, with the fields, the id and the beginning that it always
    /// had, and the one that was current until now is deprecated in its turn.
    private mutating func republish(_ id: EventVersion.ID, at: Timestamp) throws(Problem) {
        guard let place = versionIndex[id] else { throw Problem.noVersion(id) }
        guard eventTypes[place.eventType].removedAt == nil else {
            throw Problem.noEventType(eventTypes[place.eventType].discriminator)
        }
        var version = eventTypes[place.eventType].versions[place.version]
        guard version.state == .published else {
            throw Problem(.conflict, "Version \(id) was never published.")
        }
        guard version.deprecatedAt != nil else {
            throw Problem(.conflict, "Version \(id) is the current one already.")
        }
        try deprecateCurrentVersion(of: place.eventType, at: at)
        eventTypes[place.eventType].versions.remove(at: place.version)
        version.deprecatedAt = nil
        eventTypes[place.eventType].versions.append(version)
        indexVersions(of: place.eventType)
    }

    private mutating func indexVersions(of eventType: Int) {
        for (position, version) in eventTypes[eventType].versions.enumerated() {
            versionIndex[version.id] = VersionPlace(eventType: eventType, version: position)
        }
    }

    private mutating func deprecateCurrentVersion(of eventType: Int, at: Timestamp) throws(Problem) {
        let isCurrent: (EventVersion) -> Bool = { $0.state == .published && $0.deprecatedAt == nil }
        guard let index = eventTypes[eventType].versions.lastIndex(where: isCurrent) else { return }
        let validFrom = eventTypes[eventType].versions[index].validFrom
        guard validFrom <= at else {
            throw Problem(
                .conflict,
                "A new version cannot be valid from before the current one, which is valid from \(validFrom).")
        }
        eventTypes[eventType].versions[index].deprecatedAt = at
    }

    /// Leaves the event type without a current version until another is added: clients that look for one stop posting.
    private mutating func deprecate(_ id: EventVersion.ID, at: Timestamp) throws(Problem) {
        guard let place = versionIndex[id] else { throw Problem.noVersion(id) }
        guard eventTypes[place.eventType].removedAt == nil else {
            throw Problem.noEventType(eventTypes[place.eventType].discriminator)
        }
        guard eventTypes[place.eventType].currentVersion?.id == id else {
            throw Problem(.conflict, "Version \(id) is not the current one, so there is nothing to deprecate.")
        }
        eventTypes[place.eventType].versions[place.version].deprecatedAt = max(
            at, eventTypes[place.eventType].versions[place.version].validFrom)
    }

    private func placeOfDraft(_ id: EventVersion.ID) throws(Problem) -> VersionPlace {
        guard let place = versionIndex[id] else { throw Problem.noVersion(id) }
        guard eventTypes[place.eventType].removedAt == nil else {
            throw Problem.noEventType(eventTypes[place.eventType].discriminator)
        }
        guard eventTypes[place.eventType].versions[place.version].state == .draft else {
            throw Problem(.conflict, "Version \(id) is no draft.")
        }
        return place
    }

    private func indexOfLiveEventType(_ discriminator: Discriminator<EventType>) throws(Problem) -> Int {
        guard let index = eventTypeIndex[discriminator], eventTypes[index].removedAt == nil else {
            throw Problem.noEventType(discriminator)
        }
        return index
    }

    private func checkedPermissions(
        _ permissions: [String: Permission]
    ) throws(Problem) -> [Discriminator<Keyspace>: Permission] {
        var checked: [Discriminator<Keyspace>: Permission] = [:]
        for (text, permission) in permissions where permission != .none {
            guard let discriminator = try? Discriminator<Keyspace>(text), keyspaceIndex[discriminator] != nil else {
                throw Problem(
                    .validationFailed, "There is no keyspace \(text.quoted) to give a permission to.",
                    errors: [
                        ItemError(
                            index: nil, pointer: "/keyspace_permissions", code: .keyspaceNotFound,
                            detail: "There is no keyspace \(text.quoted).")
                    ])
            }
            checked[discriminator] = permission
        }
        return checked
    }
}

private func checkedName(_ name: String) throws(Problem) -> String {
    guard !name.trimmingSpaces.isEmpty, name.unicodeScalars.count <= Limits.nameLengthMax else {
        throw Problem(.invalidName, "A name has 1 to \(Limits.nameLengthMax) characters.")
    }
    return name
}

private func checkedDescription(_ description: String) throws(Problem) -> String {
    guard description.unicodeScalars.count <= Limits.descriptionLengthMax else {
        let detail = "A description has at most \(Limits.descriptionLengthMax) characters."
        throw Problem(
            .invalidName, detail,
            errors: [ItemError(index: nil, pointer: "/description", code: .invalidName, detail: detail)])
    }
    return description
}

extension Problem {
    public static func noSection(_ discriminator: Discriminator<Section>) -> Problem {
        Problem(.sectionNotFound, "There is no section '\(discriminator)'.")
    }

    public static func noKeyspace(_ discriminator: Discriminator<Keyspace>) -> Problem {
        Problem(.keyspaceNotFound, "There is no keyspace '\(discriminator)'.")
    }

    public static func noEventType(_ discriminator: Discriminator<EventType>) -> Problem {
        Problem(.eventTypeNotFound, "There is no event type '\(discriminator)'.")
    }

    public static func noVersion(_ id: EventVersion.ID) -> Problem {
        Problem(.versionNotFound, "There is no version with the id \(id).")
    }

    static func exists(_ discriminator: String) -> Problem {
        Problem(.alreadyExists, "There is already a definition with the discriminator '\(discriminator)'.")
    }

    static func tooMany(_ what: String, _ limit: Int) -> Problem {
        Problem(.limitExceeded, "There can be at most \(limit) \(what).")
    }
}
