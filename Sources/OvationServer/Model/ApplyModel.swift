import Hummingbird
import OvationCore
import OvationWire

/// `PUT /audience/model`: makes the definitions what a model says, all or nothing. A second time changes nothing.
struct ApplyModel: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.Model

    let directory: Directory
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.ModelPlan> {
        let caller = try call.caller()
        let model = try Model(await input(of: call))
        let plan = try await directory.apply(
            model, to: caller.key.account, by: caller.key.clientID, at: call.receivedAt,
            expecting: call.expectedEntityTag, isCheckOnly: call.isCheckOnly)
        return call.changed(Bodies.ModelPlan(plan))
    }
}

extension Directory {
    func apply(
        _ model: Model, to account: Int64, by actor: String, at now: Timestamp, expecting entityTag: String? = nil,
        isCheckOnly: Bool = false
    ) async throws -> ModelPlan {
        var plan = ModelPlan()
        try await edit(
            account: account, by: actor, at: now, expecting: entityTag, isCheckOnly: isCheckOnly
        ) { catalogue throws(Problem) in
            var random = SystemRandomNumberGenerator()
            plan = try catalogue.plan(toReach: model, at: now, using: &random)
            return plan.changes
        }
        return plan
    }
}
