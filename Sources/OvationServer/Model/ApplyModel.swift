import Hummingbird
import OvationCore
import OvationWire

/// `PUT /audience/model`: changes the definitions to those of a model, all or nothing. Applying it again changes
/// nothing.
struct ApplyModel: EndpointHandler {
    let directory: Directory
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let model = try ModelBody.parse(await call.json(within: limits))
        let plan = try await directory.apply(
            model, to: caller.key.account, by: caller.key.clientID, at: call.receivedAt,
            expecting: call.expectedEntityTag)
        return .json(ModelPlanBody.json(plan))
    }
}

extension Directory {
    func apply(
        _ model: Model, to account: Int64, by actor: String, at now: Timestamp, expecting entityTag: String? = nil
    ) async throws -> ModelPlan {
        var plan = ModelPlan()
        try await edit(account: account, by: actor, at: now, expecting: entityTag) { catalogue throws(Problem) in
            var random = SystemRandomNumberGenerator()
            plan = try catalogue.plan(toReach: model, at: now, using: &random)
            return plan.changes
        }
        return plan
    }
}
