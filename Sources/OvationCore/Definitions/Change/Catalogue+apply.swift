extension Catalogue {
    /// Folds one change in. What each kind of change does is in its own file.
    mutating func apply(_ change: CatalogueChange) throws(Problem) {
        try change.apply(to: &self)
    }

    /// - Parameter unlisted: the permission of keyspaces that are not listed; an entry that says the same is left out.
    func checkedPermissions(
        _ permissions: [String: Permission], unlisted: Permission
    ) throws(Problem) -> [Discriminator<Keyspace>: Permission] {
        var checked: [Discriminator<Keyspace>: Permission] = [:]
        for (text, permission) in permissions where permission != unlisted {
            guard let discriminator = try? Discriminator<Keyspace>(text), keyspaceTable.place(of: discriminator) != nil
            else {
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

/// What holds for the texts of every kind of definition.
enum DefinitionRules {
    static func name(_ name: String) throws(Problem) -> String {
        guard !name.trimmingSpaces.isEmpty, name.unicodeScalars.count <= Limits.nameLengthMax else {
            throw Problem(.invalidName, "A name has 1 to \(Limits.nameLengthMax) characters.")
        }
        return name
    }

    static func description(_ description: String) throws(Problem) -> String {
        guard description.unicodeScalars.count <= Limits.descriptionLengthMax else {
            let detail = "A description has at most \(Limits.descriptionLengthMax) characters."
            throw Problem(
                .invalidName, detail,
                errors: [ItemError(index: nil, pointer: "/description", code: .invalidName, detail: detail)])
        }
        return description
    }
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
