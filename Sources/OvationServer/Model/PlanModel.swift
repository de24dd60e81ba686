import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/model/plan`: what applying a model would change. Changes nothing.
struct PlanModel: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.Model

    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ModelPlan> {
        let caller = try call.caller()
        let model = try Model(await input(of: call))
        var random = SystemRandomNumberGenerator()
        let plan = try caller.catalogue.plan(toReach: model, at: call.receivedAt, using: &random)
        return BodyAnswer(Bodies.ModelPlan(plan))
    }
}
