import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/profiles/{profile_id}`: a profile by an id that shows no personal data, so that a link to it does
/// not either.
struct GetProfileByID: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Profile> {
        let caller = try call.caller()
        let id = try call.path.profileID()
        guard let profile = try await store.profile(.id(id, account: caller.key.account)) else {
            throw Problem(.profileNotFound, "There is no profile with this id.")
        }
        let joinings = try await joinings(of: profile, caller)
        return BodyAnswer(
            Bodies.Profile(profile, joined: joinings, in: caller.catalogue), headers: [.cacheControl: "no-store"])
    }

    /// The history of a profile is found by any of its keys.
    private func joinings(of profile: Profile, _ caller: Identity) async throws -> [Int64: Timestamp] {
        guard profile.members.count > 1, let key = profile.keys.first,
            let keyspace = caller.account.catalogue.keyspace(number: key.keyspace)
        else { return [:] }
        let address = try ProfileAddress(key.text, in: keyspace, account: caller.key.account)
        return try await store.joinings(of: profile, at: address)
    }
}
