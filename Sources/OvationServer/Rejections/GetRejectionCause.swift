import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/rejections/causes/{cause}`: how many rejections of one cause are open
struct GetRejectionCause: BodyEndpoint {
    let store: any RejectionStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.RejectionCause> {
        let caller = try call.caller()
        let id = try call.path.rejectionCause()
        guard let cause = try await store.openCause(id, of: caller, at: call.receivedAt, limits) else {
            throw Problem.noRejectionCause
        }
        return BodyAnswer(
            Bodies.RejectionCause(cause, in: caller.catalogue), headers: [.cacheControl: "no-store"])
    }
}
