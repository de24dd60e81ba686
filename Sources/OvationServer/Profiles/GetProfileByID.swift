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
        return BodyAnswer(
            Bodies.Profile(profile, in: caller.catalogue), headers: [.cacheControl: "no-store"])
    }
}
