import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/events`
struct ListEventTypes: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.EventTypes> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let showsPermissions = try call.flag("include_keyspace_permissions")
        // An event type whose only version is a draft does not exist yet for those who read the list.
        let eventTypes = caller.catalogue.listedEventTypes(in: section.discriminator)
            .filter { !$0.listedVersions.isEmpty }
        return call.definitions(caller, Bodies.EventTypes(eventTypes, showsPermissions: showsPermissions))
    }
}
