import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/channels/{channel}/addresses/{address}/suppression/history?limit=&cursor=`: when an address was suppressed and
/// when that was lifted, newest first
struct ListSuppressionChanges: BodyEndpoint {
    let suppressions: Suppressions

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.SuppressionChanges> {
        let place = try AddressPlace(call, as: call.caller(), writing: false)
        let limit = try call.int("limit", in: 1...Limits.changesPageMax, default: 50)
        let before = try call.parameter("cursor").map { text throws(Problem) in try ChangeCursor.parse(text) }
        guard
            let profile = suppressions.profile(
                place.profile.key, channel: place.channel, account: place.caller.key.account),
            // It has no sections but the one that belongs to each profile as a whole.
            let page = try await suppressions.store.changes(
                ProfileChangeFilter(profile: profile, sections: [], kinds: [.consent], before: before, limit: limit))
        else { throw Problem(.suppressionNotFound, "The address was never suppressed in this channel.") }
        return BodyAnswer(Bodies.SuppressionChanges(page), headers: [.cacheControl: "no-store"])
    }
}
