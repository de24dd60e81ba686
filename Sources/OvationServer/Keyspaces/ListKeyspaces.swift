import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces`: those that the API key may use.
struct ListKeyspaces: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Keyspaces> {
        let caller = try call.caller()
        let keyspaces = caller.catalogue.keyspaces.filter { caller.key.mayRead($0.discriminator) }
        return call.definitions(caller, Bodies.Keyspaces(keyspaces))
    }
}
