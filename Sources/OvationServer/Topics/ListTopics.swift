import Hummingbird
import OvationCore
import OvationWire

/// `GET /v2/audience/sections/{section}/topics`: those of all folders.
struct ListTopics: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Topics> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        return call.definitions(caller, Bodies.Topics(caller.catalogue.listedTopics(in: section.discriminator)))
    }
}
