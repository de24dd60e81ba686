import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/attributes`
struct ListAttributes: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Attributes> {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        let keyspaces = try call.flag("include_keyspace_permissions") ? caller.keyspaces : nil
        var body = Bodies.Attributes()
        // An attribute whose only version is a draft does not exist yet for those who read the list.
        body.items = caller.catalogue.listedAttributes(in: section.discriminator)
            .filter { !$0.listedVersions.isEmpty }
            .map { Bodies.Attribute($0, keyspaces: keyspaces) }
        return call.definitions(caller, body)
    }
}
