import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/channels`
struct ListChannels: BodyEndpoint {
    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Channels> {
        let caller = try call.caller()
        var body = Bodies.Channels()
        body.items = caller.catalogue.listedChannels.map { Bodies.Channel($0, keyspaces: caller.keyspaces) }
        return call.definitions(caller, body)
    }
}
