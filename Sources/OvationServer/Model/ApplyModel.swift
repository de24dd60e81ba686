import Hummingbird
import OvationCore
import OvationWire

/// `PUT /audience/model`: makes the definitions what a model says, all or nothing. A second time changes nothing.
struct ApplyModel: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let model = try ModelBody.parse(await call.json(within: limits))
        let plan = try await directory.apply(model, EditContext(call))
        return .json(ModelPlanBody.json(plan))
    }
}

extension Directory {
    func apply(_ model: Model, _ context: EditContext) async throws -> ModelPlan {
        var plan = ModelPlan()
        try await edit(context) { catalogue throws(Problem) in
            var random = SystemRandomNumberGenerator()
            plan = try catalogue.plan(toReach: model, at: context.now, using: &random)
            return plan.changes
        }
        return plan
    }
}
