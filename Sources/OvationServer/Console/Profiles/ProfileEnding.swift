import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/profiles/{profile_id}/delete` and `…/lock`: shows what goes, and removes it
enum ProfileEnding {
    @Sendable static func confirmDeletion(_ visit: Visit) async throws -> Response {
        let ended = try await Ended(visit)
        let page = ConfirmPage(
            heading: "Delete \(ended.name)?",
            explanation: ["All that is stored of this profile is deleted, in every section. It cannot be undone."],
            consequences: ended.consequences + ["The next event with one of its keys makes a new profile."],
            action: ended.path + "/delete", hidden: [.init(name: "keys", value: ended.seen)],
            button: "Delete the profile", danger: true, cancel: ended.path)
        return await visit.page(page, area: .profiles)
    }

    @Sendable static func confirmLock(_ visit: Visit) async throws -> Response {
        let ended = try await Ended(visit)
        let page = ConfirmPage(
            heading: "Lock \(ended.name) for good?",
            explanation: [
                "All that is stored of this profile is deleted, and its keys take nothing any more: no event, no attribute, no "
                    + "import. It cannot be undone."
            ], consequences: ended.consequences + ["Clients that send data of it are answered 410."],
            action: ended.path + "/lock", hidden: [.init(name: "keys", value: ended.seen)],
            button: "Lock the profile", danger: true, cancel: ended.path)
        return await visit.page(page, area: .profiles)
    }

    @Sendable static func delete(_ visit: Visit) async throws -> Response {
        try await visit.act(DeleteProfile.self, try await Ended(visit).keyToEnd(visit))
        return visit.redirect(to: "/console/profiles", "The profile is deleted.")
    }

    @Sendable static func lock(_ visit: Visit) async throws -> Response {
        try await visit.act(LockProfile.self, try await Ended(visit).keyToEnd(visit))
        return visit.redirect(to: "/console/profiles", "The profile is locked for good, and what it held is deleted.")
    }

    /// The profile that the page is of, and what it has.
    private struct Ended {
        let path: String
        let name: String
        let consequences: [String]
        /// Changes with the members that the page names, and tells none of their keys.
        let seen: String
        private let key: (keyspace: String, key: String)

        init(_ visit: Visit) async throws {
            let profile = try await ShownProfile(visit)
            key = profile.keys[0]
            path = ConsolePath.profile(id: profile.id)
            name = visit.shown(key: key.key)
            let held = try await visit.call(GetProfile.self, ["keyspace": key.keyspace, "key": key.key])
            let attributes = held.sections.reduce(0) { $0 + $1.attributes.count }
            let tags = held.sections.reduce(0) { $0 + $1.tags.count }
            let keys = profile.keys.map { "\(visit.shown(key: $0.key)) (\(visit.keyspaceName($0.keyspace)))" }
            consequences = [
                "Its keys: \(keys.joined(separator: ", ")).",
                "\(held.eventCount) events, \(attributes) attributes and \(tags) tags that you may see, their history, and refused posts "
                    + "of it.",
                "A receipt stays. It says how much was removed, and has no personal data.",
            ]
            let joined = profile.members.map { $0.createdAt.rfc3339 + " " + ($0.mergedAt?.rfc3339 ?? "") }
            seen = (["\(profile.keys.count)", held.profile.createdAt.rfc3339] + joined).joined(separator: " ")
        }

        /// - Throws: where the profile has other keys than the page showed, for example since a merge.
        func keyToEnd(_ visit: Visit) throws(Problem) -> KeyValuePairs<String, String> {
            guard visit.form["keys"] == seen else {
                throw Problem(.conflict, "The profile has other keys meanwhile; nothing was done. Look at it again.")
            }
            return ["keyspace": key.keyspace, "key": key.key]
        }
    }
}
