import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/consent-lists`: the folders, as the first generation calls them.
struct ListConsentLists: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ConsentLists> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        return call.definitions(caller, Bodies.ConsentLists(caller.catalogue.listedFolders(in: section.discriminator)))
    }
}
