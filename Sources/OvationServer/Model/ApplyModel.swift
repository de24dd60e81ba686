import Hummingbird
import OvationCore
import OvationWire

/// `PUT /audience/model`: makes the definitions what a model says, all or nothing. A second time changes nothing.
struct ApplyModel: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.Model

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ModelPlan> {
        let model = try Model(await input(of: call))
        return call.changed(Bodies.ModelPlan(try await directory.apply(model, EditContext(call))))
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
