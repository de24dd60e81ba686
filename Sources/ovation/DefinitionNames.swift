import OvationClient
import OvationCore
import OvationWire

/// Sections and event types as a person names them: by discriminator, or by a name that one alone has. A discriminator goes
/// to the server as it is, so that it costs no call, and works with a key that may not list.
extension APIClient {
    func section(named given: String) async throws -> String {
        guard (try? Discriminator<Section>(given)) == nil else { return given }
        let all = try await call(.listSections).content.items
        return try Named.one(
            given, of: all.map { Named(discriminator: $0.discriminator, name: $0.name) }, called: "section",
            list: "ovation sections list")
    }

    /// nil for nil.
    func section(ifNamed given: String?) async throws -> String? {
        guard let given else { return nil }
        return try await section(named: given)
    }

    /// The discriminator of the section that is given, or those of all.
    func sections(_ given: String?) async throws -> [String] {
        if let given { return [try await section(named: given)] }
        return try await call(.listSections).content.items.map(\.discriminator)
    }

    /// - Parameter section: the discriminator of the section to look in; nil for all of them.
    func eventType(named given: String, in section: String?) async throws -> String {
        guard (try? Discriminator<EventType>(given)) == nil else { return given }
        var all: [Named] = []
        for type in try await eventTypes(in: section) {
            all.append(Named(discriminator: type.type.content.discriminator, name: type.type.content.name))
        }
        return try Named.one(given, of: all, called: "event type", list: "ovation event-types list")
    }

    func eventType(ifNamed given: String?, in section: String?) async throws -> String? {
        guard let given else { return nil }
        return try await eventType(named: given, in: section)
    }

    func eventTypes(named given: [String], in section: String?) async throws -> [String] {
        var all: [String] = []
        for given in given { all.append(try await eventType(named: given, in: section)) }
        return all
    }

    /// Those of one section, or of all, each with the discriminator of its section.
    func eventTypes(
        in section: String?
    ) async throws -> [(section: String, type: Received<Bodies.EventType>)] {
        var all: [(section: String, type: Received<Bodies.EventType>)] = []
        for section in try await sections(section) {
            let types = try await call(.listEventTypes, ["section": section]).items
            all += types.map { (section, $0) }
        }
        return all
    }
}

/// A definition to be found by its name.
struct Named {
    let discriminator: String
    let name: String

    /// A name as it is written; or else in other cases of letters.
    /// - Throws: for no such name, and for one that several have, with those.
    static func one(_ given: String, of all: [Named], called word: String, list: String) throws -> String {
        var found = all.filter { $0.name == given || $0.discriminator == given }
        if found.isEmpty { found = all.filter { $0.name.lowercased() == given.lowercased() } }
        guard let first = found.first else {
            throw CommandFailure(
                "There is no \(word) with the name or discriminator '\(given)'. '\(list)' lists those that the API key "
                    + "may see.")
        }
        guard found.count == 1 else {
            throw CommandFailure(
                "\(found.count) of them have the name '\(given)'; give the discriminator of the \(word): "
                    + found.map(\.discriminator).sorted().joined(separator: ", "))
        }
        return first.discriminator
    }
}
