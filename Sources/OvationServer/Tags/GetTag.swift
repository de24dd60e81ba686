import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/tags/{tag}`
struct GetTag: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullTag> {
        let caller = try call.caller()
        let tag = try caller.tag(call.path.tag(), in: call.path.section())
        return call.definitions(caller, Bodies.FullTag(tag, keyspaces: caller.keyspaces))
    }
}
