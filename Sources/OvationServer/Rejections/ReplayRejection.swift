import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/rejections/{id}/replay`, with nothing, or with `{items?, profile_key?}` to post
/// instead. 204: the events are stored, and the refused post is closed in the same commit, so it cannot be replayed
/// twice. With `Prefer: validate-only` everything is checked and nothing stored.
struct ReplayRejection: EndpointHandler {
    let store: any Store
    let directory: Directory
    let parsers: TapeParsers
    let journal: PostJournal
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let sent = try await call.body(within: limits)
        let caller = try directory.current(call.caller())
        let section = try caller.section(call.path.section())
        let rejection = try await store.rejection(of: call, caller, limits)
        guard rejection.replayedAt == nil else { throw ReplayRejection.notOpen }
        guard let keyspace = caller.catalogue.keyspaces.first(where: { $0.number == rejection.post.keyspace }) else {
            throw Problem(.keyspaceNotFound, "The keyspace of the refused post is gone.")
        }
        let request = sent.readableBytes > 0 ? try ReplayRequest(parsing: sent.readableBytesView) : nil
        let body = request?.hasItems == true ? sent : ByteBuffer(bytes: rejection.post.body)
        let key = request?.profileKey ?? rejection.post.key
        let profile = try ProfileAddress(key, in: keyspace, account: caller.key.account)
        let events = try CheckedEvents(
            of: body,
            for: EventTarget(
                catalogue: caller.catalogue, section: section, keyspace: keyspace, callerIsAdmin: true,
                receivedAt: call.receivedAt, limits: limits), itemsMax: limits.itemsMax, with: parsers)
        guard !call.preferences.contains("validate-only") else {
            return .noContent([.preferenceApplied: "validate-only"])
        }
        let outcome = try await store.append(
            EventBatch(
                profile: profile, section: section.number, receivedAt: call.receivedAt, events: events.rows,
                data: events.data, idempotency: nil, replayOf: rejection.id))
        guard outcome == .stored else { throw ReplayRejection.notOpen }
        journal.accepted(
            events.rows,
            at: PostJournal.Place(
                caller: caller, section: section, keyspace: keyspace, keySource: .text(profile.key.text),
                requestID: call.requestID, receivedAt: call.receivedAt))
        return .noContent()
    }

    private static let notOpen = Problem(
        .alreadyReplayed, "This refused post was replayed before or is gone; nothing was stored.")
}
