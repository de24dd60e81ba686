import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/erasures/{erasure_id}`: the receipt of a deleted profile. The id is the right to read it: chance gives it.
struct GetErasure: BodyEndpoint {
    let store: any ProfileStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Erasure> {
        let caller = try call.caller()
        guard let erasure = try await store.erasure(call.path.erasureID(), account: caller.key.account) else {
            throw Problem.noErasure
        }
        return BodyAnswer(Bodies.Erasure(erasure), headers: [.cacheControl: "no-store"])
    }
}
