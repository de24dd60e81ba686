import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/rejections/causes/{cause}?through=`: deletes open rejections of one cause, some at a time: the client
/// repeats it until none remain. With `Prefer: validate-only` nothing is deleted, and the answer says how many would be.
struct DismissRejectionCause: BodyEndpoint {
    let store: any RejectionStore
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Dismissed> {
        try call.refuseEmptySegments()
        try await call.refuseFilters(except: "through")
        let caller = try call.caller()
        var body = Bodies.Dismissed()
        if let range = try await store.openRange(of: call, caller, limits) {
            if !call.isCheckOnly {
                let rejections = try await store.rejections(
                    range, limit: Limits.rejectionDismissStep, bodyBytesMax: 0)
                body.dismissed = Int64(
                    try await store.dismissRejections(rejections.map(\.id), account: range.account))
            }
            body.remaining = Int64(try await store.countRejections(range))
            body.through = String(range.through)
        }
        return BodyAnswer(body, headers: call.isCheckOnly ? Call.checked : [:])
    }
}
