import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/keys`: the keys of a profile that the API key may read.
struct ListProfileKeys: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ProfileMembers> {
        let caller = try call.caller()
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        let address = try call.profile(in: keyspace, of: caller)
        guard let profile = try await store.profile(.address(address)) else { throw call.unknownProfile }
        let visible = profile.showing { caller.mayRead(keyspace: $0.keyspace) }
        var body = Bodies.ProfileMembers()
        body.items = [Bodies.ProfileMember](
            visible, joined: try await store.joinings(of: profile, at: address), in: caller.catalogue
        ).filter { $0.key != nil }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
