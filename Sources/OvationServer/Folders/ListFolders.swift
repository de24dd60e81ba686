import Hummingbird
import OvationCore
import OvationWire

/// `GET /v2/audience/sections/{section}/folders`
struct ListFolders: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Folders> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        return call.definitions(caller, Bodies.Folders(caller.catalogue.listedFolders(in: section.discriminator)))
    }
}
