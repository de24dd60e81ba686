import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}`: a profile's keys, when it was made and last seen, what it holds, and
/// how many events of each type it has. What the keyspace may not read, and sections that the API key may not see, are left
/// out.
struct GetProfile: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ProfileWithCounts> {
        let caller = try call.caller()
        let ignoresPermissions = try call.ignoresKeyspacePermissions()
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        let address = try call.profile(in: keyspace, of: caller)
        let sections = caller.catalogue.sections.filter { caller.key.maySee($0.discriminator) }.map(\.number)
        // Opt-outs of the whole account stand in section 0.
        guard let data = try await store.data(of: address, in: [0] + sections),
            let counts = try await store.counts(of: address)
        else { throw try await store.absence(of: address, call) }
        let visible = data.profile.showing { caller.mayRead(keyspace: $0.keyspace) }
        let readable = ReadableFields(
            caller.catalogue, through: keyspace.discriminator, ignoringPermissions: ignoresPermissions)
        let body = Bodies.ProfileWithCounts(
            ProfileData(profile: visible, sections: data.sections),
            joined: try await store.joinings(of: data.profile, at: address), readable, counts, in: caller.catalogue
        ) { eventType in
            caller.key.maySee(eventType.section)
                && (ignoresPermissions || eventType.permission(in: keyspace.discriminator).read)
        }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}

extension Identity {
    func mayRead(keyspace number: Int64) -> Bool {
        catalogue.keyspaces.contains { $0.number == number && key.mayRead($0.discriminator) }
    }
}
