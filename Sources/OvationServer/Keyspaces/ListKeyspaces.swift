import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces`: those that the API key may use.
struct ListKeyspaces: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let keyspaces = caller.catalogue.keyspaces.filter { caller.key.mayRead($0.discriminator) }
        return call.definitions(caller, .object([.init("items", .array(keyspaces.map(\.json)))]))
    }
}
