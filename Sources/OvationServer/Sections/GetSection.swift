import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}`
struct GetSection: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        return call.definitions(caller, section.json)
    }
}
