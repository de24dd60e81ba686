import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections`: those that the API key may see.
struct ListSections: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Sections> {
        let caller = try call.caller()
        let sections = caller.catalogue.sections.filter { caller.key.maySee($0.discriminator) }
        return call.definitions(caller, Bodies.Sections(sections))
    }
}
