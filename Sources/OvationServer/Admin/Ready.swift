import Hummingbird
import OvationCore
import OvationWire

/// `GET /ready`: the store has just been written and read; send traffic. Otherwise 503 with the reason.
struct Ready: EndpointHandler {
    let store: any Store

    func respond(to call: Call) async throws -> Response {
        try await store.check()
        return .json(.object([.init("ready", .bool(true))]))
    }
}
