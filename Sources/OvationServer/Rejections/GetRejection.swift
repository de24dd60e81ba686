import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/rejections/{id}`, with its whole body
struct GetRejection: EndpointHandler {
    let store: any Store
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let rejection = try await store.rejection(of: call, caller, limits)
        return .json(
            RejectionBody.json(rejection, in: caller.catalogue, body: .whole), headers: [.cacheControl: "no-store"])
    }
}

extension Store {
    /// The refused post that the path names. One that is past its time is gone, whether the store still has it or not.
    func rejection(of call: Call, _ caller: Identity, _ limits: Limits) async throws -> Rejection {
        let section = try caller.section(call.path.section())
        let id = try call.path.rejectionID()
        let oldest = call.receivedAt.advanced(by: .zero - limits.rejectionAge)
        guard let rejection = try await rejection(id, account: caller.key.account),
            rejection.post.section == section.number, rejection.post.receivedAt >= oldest
        else { throw Problem.noRejection(String(id)) }
        return rejection
    }
}
