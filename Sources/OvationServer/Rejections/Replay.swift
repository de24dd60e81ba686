import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// Posts a refused post again, with the present definitions: like an admin's post, all or nothing.
struct Replay: Sendable {
    let store: any EventStore & RejectionStore
    let parsers: TapeParsers
    let journal: PostJournal
    let limits: Limits

    /// A post that would be accepted.
    struct Checked: Sendable {
        fileprivate let rejection: Rejection.ID
        fileprivate let profile: ProfileAddress
        fileprivate let place: PostJournal.Context
        let events: CheckedEvents
    }

    /// - Parameters:
    ///   - items: instead of those that were refused.
    ///   - key: instead of the profile key that it was posted to.
    func check(
        _ rejection: Rejection, items: [JSONValue]? = nil, key: String? = nil, for call: Call, by caller: Identity
    ) throws(Problem) -> Checked {
        guard let section = caller.catalogue.sections.first(where: { $0.number == rejection.post.section }) else {
            throw Problem(.sectionNotFound, "The section of the refused post is gone.")
        }
        guard let keyspace = caller.catalogue.keyspaces.first(where: { $0.number == rejection.post.keyspace }) else {
            throw Problem(.keyspaceNotFound, "The keyspace of the refused post is gone.")
        }
        let profile = try ProfileAddress(key ?? rejection.post.key, in: keyspace, account: caller.key.account)
        let target = EventTarget(
            catalogue: caller.catalogue, section: section, keyspace: keyspace, callerIsAdmin: true,
            receivedAt: call.receivedAt, limits: limits)
        let events =
            if let items {
                try CheckedEvents(of: PostEventsRequest(items: items, itemsMax: limits.itemsMax), for: target)
            } else {
                try CheckedEvents(
                    of: ByteBuffer(bytes: rejection.post.body), for: target, itemsMax: limits.itemsMax, with: parsers)
            }
        return Checked(
            rejection: rejection.id, profile: profile,
            place: PostJournal.Context(
                caller: caller, section: section, keyspace: keyspace, keySource: .text(profile.key.text),
                requestID: call.requestID, receivedAt: call.receivedAt), events: events)
    }

    /// Stores the events and closes the rejection in one commit.
    /// - Returns: false where the rejection is not open any more; nothing is stored then.
    /// - Throws: a `Problem` where the profile takes no data; the rejection stays open.
    func store(_ checked: Checked) async throws -> Bool {
        let outcome = try await store.append(
            EventBatch(
                profile: checked.profile, section: checked.place.section.number, receivedAt: checked.place.receivedAt,
                events: checked.events.rows, data: checked.events.data, idempotency: nil,
                replayOf: checked.rejection))
        if case .refused(let profiles) = outcome { throw profiles.problem }
        guard outcome == .stored else { return false }
        journal.accepted(checked.events.rows, at: checked.place)
        return true
    }
}
