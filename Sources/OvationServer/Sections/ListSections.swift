import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections`: those that the API key may see.
struct ListSections: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let sections = caller.catalogue.sections.filter { caller.key.maySee($0.discriminator) }
        return call.definitions(caller, .object([.init("items", .array(sections.map(\.json)))]))
    }
}
