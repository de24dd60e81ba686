import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}`
struct GetKeyspace: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Keyspace> {
        let caller = try call.caller()
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        return call.definitions(caller, Bodies.Keyspace(keyspace))
    }
}
