import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/events/{event}`: all there is to know of one event type; drafts for admins.
struct GetEventType: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullEventType> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let eventType = try caller.eventType(call.path.eventType(), in: section.discriminator)
        return call.definitions(caller, Bodies.FullEventType(eventType, showsDrafts: caller.isAdmin))
    }
}
