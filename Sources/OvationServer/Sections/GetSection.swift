import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}`
struct GetSection: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Section> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        return call.definitions(caller, Bodies.Section(section))
    }
}
