import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/profiles/{profile_id}`: a profile by an id that shows no personal data, so that a link to it does
/// not either.
struct GetProfileByID: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let id = try call.path.profileID()
        guard let profile = try await store.profile(.id(id, account: caller.key.account)) else {
            throw Problem(.profileNotFound, "There is no profile with this id.")
        }
        let members = ProfileBody.members(profile, in: caller.catalogue)
        return .json(.object(members), headers: [.cacheControl: "no-store"])
    }
}
