import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/erasures?limit=&cursor=`: the receipts of deleted profiles, newest first
struct ListErasures: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Erasures> {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.erasuresPageMax, default: 50)
        let before = try call.parameter("cursor").map { text throws(Problem) in try ErasureCursor.parse(text) }
        // One more tells whether there is a next page.
        let found = try await store.erasures(account: caller.key.account, before: before, limit: limit + 1)
        let page = found.prefix(limit)
        var body = Bodies.Erasures()
        body.items = page.map { Bodies.Erasure($0) }
        body.nextCursor = found.count > limit ? page.last.map { ErasureCursor.write($0.position) } : nil
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }
}
