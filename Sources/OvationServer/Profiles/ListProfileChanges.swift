import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/changes?limit=&cursor=`: what was changed, newest
/// first
struct ListProfileChanges: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ProfileChanges> {
        let place = try ReadPlace(call)
        let limit = try call.int("limit", in: 1...Limits.changesPageMax, default: 50)
        let before = try call.parameter("cursor").map { text throws(Problem) in try ChangeCursor.parse(text) }
        let filter = ProfileChangeFilter(
            profile: place.profile, sections: [place.section.number], before: before, limit: limit)
        guard let page = try await store.changes(filter) else {
            throw try await store.absence(of: place.profile, call)
        }
        return BodyAnswer(
            Bodies.ProfileChanges(page, place.readable), headers: [.cacheControl: "no-store"])
    }
}
