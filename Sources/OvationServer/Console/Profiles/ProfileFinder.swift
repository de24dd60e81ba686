import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/profiles`, and `GET /console/keyspaces/{keyspace}/profiles/{key}` for those who have the key
enum ProfileFinder {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let key = try visit.query("key")
        let keyspace = try visit.query("keyspace")
        let choices = visit.catalogue.keyspaces.map {
            Choice(
                value: $0.discriminator.text, label: $0.name, hint: $0.discriminator.text,
                selected: $0.discriminator.text == keyspace)
        }
        guard !key.isEmpty else {
            return await visit.page(ProfilesPage(key: "", keyspaces: choices, matches: nil), area: .profiles)
        }
        do {
            let answer = try await visit.call(FindProfiles.self, query: [("key", key), ("keyspace", keyspace)])
            // What was meant is plain: one profile has this very key.
            let exact = answer.items.filter { $0.match == .exact }
            if exact.count == 1 { return .redirect(to: ConsolePath.profile(id: exact[0].profile.profileID)) }
            let page = ProfilesPage(
                key: key, keyspaces: choices, matches: answer.items.map { match($0, visit) },
                isIncomplete: !answer.complete)
            return await visit.page(page, area: .profiles)
        } catch let problem as Problem where problem.code.status.kind == .clientError {
            let page = ProfilesPage(key: key, keyspaces: choices, matches: nil, error: problem.detail)
            return await visit.page(page, area: .profiles, status: problem.code.status)
        }
    }

    @Sendable static func open(_ visit: Visit) async throws -> Response {
        let keyspace = try visit.path.keyspace()
        let answer = try await visit.call(
            FindProfiles.self, query: [("key", visit.path.text("key")), ("keyspace", keyspace.text), ("exact", "true")])
        let found = answer.items.first { $0.foundBy?.attributeDiscriminator == nil }
        guard let found else {
            throw Problem(.profileNotFound, "There is no profile with this key. It gets one with its first event.")
        }
        return .redirect(to: ConsolePath.profile(id: found.profile.profileID))
    }

    private static func match(_ item: Bodies.ProfileMatch, _ visit: Visit) -> ProfilesPage.Match {
        let key = item.profile.keys.first
        return ProfilesPage.Match(
            key: visit.shown(key: key?.key ?? ""), keyspace: visit.keyspaceName(key?.keyspaceDiscriminator),
            isExact: item.match == .exact, foundBy: item.foundBy.map { foundBy($0, visit) },
            href: ConsolePath.profile(id: item.profile.profileID))
    }

    private static func foundBy(_ found: Bodies.FoundBy, _ visit: Visit) -> ProfilesPage.FoundBy {
        ProfilesPage.FoundBy(
            name: attributeName(found, visit) ?? visit.keyspaceName(found.keyspaceDiscriminator),
            isAttribute: found.attributeDiscriminator != nil, value: visit.shown(key: found.value),
            isHidden: found.hidden)
    }

    /// nil: it was found by a key.
    private static func attributeName(_ found: Bodies.FoundBy, _ visit: Visit) -> String? {
        guard let text = found.attributeDiscriminator, let attribute = try? Discriminator<Attribute>(text),
            let sectionText = found.sectionDiscriminator, let section = try? Discriminator<Section>(sectionText)
        else { return nil }
        let names = [
            visit.catalogue.attribute(attribute, in: section)?.name, visit.catalogue.section(section)?.name,
        ]
        return names.compactMap { $0 }.joined(separator: ", ")
    }
}

extension Visit {
    func keyspaceName(_ discriminator: String?) -> String {
        guard let text = discriminator, let discriminator = try? Discriminator<Keyspace>(text) else { return "" }
        return catalogue.keyspace(discriminator)?.name ?? text
    }
}
