import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/tags`: hidden ones too, since clients may give them.
struct ListTags: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Tags> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let keyspaces = try call.flag("include_keyspace_permissions") ? caller.keyspaces : nil
        var body = Bodies.Tags()
        body.items = caller.catalogue.listedTags(in: section.discriminator)
            .map { Bodies.Tag($0, keyspaces: keyspaces) }
        return call.definitions(caller, body)
    }
}
