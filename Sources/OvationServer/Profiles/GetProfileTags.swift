import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/tags`: the tags that the profile has, by version id
struct GetProfileTags: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.TagMarks> {
        let place = try ReadPlace(call)
        let fields = try await place.fields(from: store, call)
        return BodyAnswer(Bodies.TagMarks(fields, place.readable), headers: [.cacheControl: "no-store"])
    }
}
