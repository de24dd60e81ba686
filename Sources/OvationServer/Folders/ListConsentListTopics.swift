import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/consent-lists/{consent_list}/topics`
struct ListConsentListTopics: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ConsentListTopics> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section()).discriminator
        let folder = try caller.catalogue.listedFolder(call.path.folder("consent_list"), in: section).discriminator
        let topics = caller.catalogue.listedTopics(in: section).filter { $0.folder == folder }
        return call.definitions(caller, Bodies.ConsentListTopics(topics))
    }
}
