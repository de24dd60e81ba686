import OvationCore
import OvationWire

extension Call {
    /// The events of the path's profile and section, narrowed by the query.
    /// - Parameters:
    ///   - parameters: names of the repeatable parameters that hold discriminators.
    ///   - readableOnly: leave out the types that the keyspace may not read, unless an admin asks for those too.
    func eventFilter(_ parameters: String..., readableOnly: Bool) throws(Problem) -> EventFilter {
        let caller = try caller()
        let section = try caller.section(path.section())
        let keyspace = try caller.keyspaceForReading(path.keyspace())
        let profile = try profile(in: keyspace, of: caller)
        var wanted: Set<String> = []
        for parameter in parameters { wanted.formUnion(try self.parameters(parameter)) }
        guard wanted.count <= Limits.eventTypeFiltersMax else {
            throw Problem(
                .invalidParameter, "At most \(Limits.eventTypeFiltersMax) event types can be given at once.")
        }
        let inSection = caller.catalogue.eventTypes.filter { $0.section == section.discriminator }
        if let unknown = wanted.first(where: { word in !inSection.contains { $0.discriminator.text == word } }) {
            throw Problem(.invalidParameter, "The section has no event type \(unknown.quoted).")
        }
        let ignoresPermissions = try ignoresKeyspacePermissions()
        // Removed types stay readable.
        let matching = inSection.filter { eventType in
            (wanted.isEmpty || wanted.contains(eventType.discriminator.text))
                && (!readableOnly || ignoresPermissions || eventType.permission(in: keyspace.discriminator).read)
        }
        let isEverything =
            matching.count == inSection.count
            && (caller.isAdmin || !caller.account.catalogue.hasUnpublished(in: section.discriminator))
        return EventFilter(
            profile: profile, section: section.number,
            versions: isEverything ? nil : matching.flatMap { $0.versions.map(\.id) },
            from: try timestamp("from"), to: try timestamp("to"))
    }

    /// `ignore_keyspace_permissions=true`: for people who administer the data, and not for integrations.
    func ignoresKeyspacePermissions() throws(Problem) -> Bool {
        guard try flag("ignore_keyspace_permissions") else { return false }
        guard try caller().isAdmin else {
            throw Problem(.adminRequired, "Only an admin key may read past the permissions of a keyspace.")
        }
        return true
    }

    /// `include=changes`: what was changed of the profile stands among its events.
    func includesChanges() throws(Problem) -> Bool {
        switch try parameter("include") {
        case nil: false
        case "changes": true
        default: throw Problem(.invalidParameter, "'include' is changes.")
        }
    }

    var unknownProfile: Problem {
        Problem(.profileNotFound, "There is no profile with this key in the keyspace.")
    }
}

extension ProfileStore {
    /// Why readers find nothing by a key: there is no such profile, or it was locked for good.
    func absence(of profile: ProfileAddress, _ call: Call) async throws -> Problem {
        try await self.profile(.address(profile))?.state.problem ?? call.unknownProfile
    }
}
