import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/sections/{section}/rejections/{id}`
struct DismissRejection: EndpointHandler {
    let store: any RejectionStore
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let rejection = try await store.rejection(of: call, caller, limits)
        guard try await store.dismissRejection(rejection.id, account: caller.key.account) else {
            throw Problem.noRejection(String(rejection.id))
        }
        return .noContent()
    }
}
