import Hummingbird
import Logging
import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events?event_discriminator=&from=&to=`
struct DeleteEvents: BodyEndpoint {
    let store: any Store
    let logger: Logger

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Deleted> {
        try await call.refuseFilters(except: "event_discriminator", "event_discriminators", "from", "to")
        let filter = try call.eventFilter("event_discriminator", "event_discriminators", readableOnly: false)
        var body = Bodies.Deleted()
        body.deleted = Int64(try await delete(call, filter, id: nil))
        return BodyAnswer(body)
    }

    /// The log says how many events were deleted and under which conditions, but not their profile or content.
    func delete(_ call: Call, _ filter: EventFilter, id: Int64?) async throws -> Int {
        let caller = try call.caller()
        let section = try call.path.section()
        let types = try call.parameters("event_discriminator") + call.parameters("event_discriminators")
        let conditions =
            (id.map { ["event \($0)"] } ?? []) + types.map { "type \($0)" }
            + (filter.from.map { ["from \($0)"] } ?? []) + (filter.to.map { ["to \($0)"] } ?? [])
        let deletion = try await store.deleteEvents(
            filter, id: id,
            recordedAs: { count in
                Act(
                    .eventsDeleted, subject: section.text,
                    detail: "\(count) deleted from one profile: "
                        + (conditions.isEmpty ? "all of the section" : conditions.joined(separator: ", ")))
            }, at: call.receivedAt, by: caller.key.clientID)
        guard let deletion else { throw call.unknownProfile }
        if let entry = deletion.entry { logger.info(of: entry) }
        return deletion.count
    }
}
