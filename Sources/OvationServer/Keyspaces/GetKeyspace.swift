import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/keyspaces/{keyspace}`
struct GetKeyspace: EndpointHandler {
    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let keyspace = try caller.keyspaceForReading(call.path.keyspace())
        return call.definitions(caller, keyspace.json)
    }
}
