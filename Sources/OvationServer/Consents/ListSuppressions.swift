import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/channels/{channel}/suppressions?limit=&cursor=`: the suppressed addresses of a channel, by their hashes
struct ListSuppressions: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Suppressions> {
        let caller = try call.caller()
        let channel = try caller.catalogue.listedChannel(call.path.channel())
        _ = try caller.keyspaceForReading(channel.keyspace)
        let limit = try call.int("limit", in: 1...Limits.suppressionsPageMax, default: 50)
        let after = try call.parameter("cursor").map { text throws(Problem) in try SuppressionCursor.parse(text) }
        let page = try await store.suppressions(
            SuppressionFilter(account: caller.key.account, channel: channel.number, after: after, limit: limit))
        return BodyAnswer(Bodies.Suppressions(page, of: channel), headers: [.cacheControl: "no-store"])
    }
}
