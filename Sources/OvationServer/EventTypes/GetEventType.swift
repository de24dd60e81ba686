import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/events/{event}`: all there is to know of one event type; drafts for admins.
struct GetEventType: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let eventType = try caller.eventType(call.path.eventType(), in: section.discriminator)
        return call.definitions(caller, eventType.json(caller.isAdmin ? .withDrafts : .full))
    }
}
