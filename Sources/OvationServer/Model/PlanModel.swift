import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/model/plan`: what applying a model would change. Changes nothing.
struct PlanModel: EndpointHandler {
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let model = try ModelBody.parse(await call.json(within: limits))
        var random = SystemRandomNumberGenerator()
        let plan = try caller.catalogue.plan(toReach: model, at: call.receivedAt, using: &random)
        return .json(ModelPlanBody.json(plan))
    }
}
