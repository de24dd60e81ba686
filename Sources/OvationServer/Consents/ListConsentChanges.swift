import HTTPTypes
import OvationCore
import OvationWire

/// `GET /v2/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/consents/history?limit=&cursor=`: what a
/// profile's consents were, newest first
struct ListConsentChanges: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ConsentChanges> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        if try !call.ignoresKeyspacePermissions() { try keyspace.requireReadableConsents() }
        let profile = try call.profile(in: keyspace, of: caller)
        let limit = try call.int("limit", in: 1...Limits.changesPageMax, default: 50)
        let before = try call.parameter("cursor").map { text throws(Problem) in try ChangeCursor.parse(text) }
        let filter = ProfileChangeFilter(
            profile: profile, sections: [section.number], kinds: [.consent], before: before, limit: limit)
        guard let page = try await store.changes(filter) else { throw try await store.absence(of: profile, call) }
        return BodyAnswer(
            Bodies.ConsentChanges(page, in: caller.account.catalogue), headers: [.cacheControl: "no-store"])
    }
}
