import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}/events?event_discriminator=&from=&to=`
struct DeleteEvents: EndpointHandler {
    let directory: Directory

    func respond(to call: Call) async throws -> Response {
        try await call.refuseFilters(except: "event_discriminator", "event_discriminators", "from", "to")
        let filter = try call.eventFilter("event_discriminator", "event_discriminators", readableOnly: false)
        let count = try await delete(call, filter, id: nil)
        return .json(.object([.init("deleted", JSONValue(count))]))
    }

    /// The log says how many events were deleted and under which conditions, but not their profile or content.
    func delete(_ call: Call, _ filter: EventFilter, id: Int64?) async throws -> Int {
        let caller = try call.caller()
        let section = try call.path.section()
        let types = try call.parameters("event_discriminator") + call.parameters("event_discriminators")
        let conditions =
            (id.map { ["event \($0)"] } ?? []) + types.map { "type \($0)" }
            + (filter.from.map { ["from \($0)"] } ?? []) + (filter.to.map { ["to \($0)"] } ?? [])
        let deletion = try await directory.deleteEvents(
            filter, id: id,
            recordedAs: { count in
                Note(
                    act: .eventsDeleted, subject: section.text,
                    detail: "\(count) deleted from one profile: "
                        + (conditions.isEmpty ? "all of the section" : conditions.joined(separator: ", ")))
            }, at: call.receivedAt, by: caller.key.clientID)
        guard let deletion else { throw call.unknownProfile }
        return deletion.count
    }
}
