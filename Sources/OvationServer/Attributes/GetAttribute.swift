import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/attributes/{attribute}`: all there is to know of one attribute; drafts for admins.
struct GetAttribute: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.FullAttribute> {
        let caller = try call.caller()
        let attribute = try caller.attribute(call.path.attribute(), in: call.path.section())
        return call.definitions(
            caller,
            Bodies.FullAttribute(attribute, keyspaces: caller.keyspaces, showsDrafts: caller.isAdmin))
    }
}
