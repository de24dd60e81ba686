import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/events`
struct ListEventTypes: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let detail: EventTypeDetail = try call.flag("include_keyspace_permissions") ? .withPermissions : .listed
        // For readers of the list, an event type that has only drafts does not exist yet.
        let eventTypes = caller.catalogue.listedEventTypes(in: section.discriminator)
            .filter { !$0.listedVersions.isEmpty }
        return call.definitions(caller, .object([.init("items", .array(eventTypes.map { $0.json(detail) }))]))
    }
}
