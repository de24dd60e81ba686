import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/rejections/causes/{cause}?through=`: deletes open rejections of one cause, some at a time: the client
/// repeats it until none remain. With `Prefer: validate-only` nothing is deleted, and the answer says how many would be.
struct DismissRejectionCause: EndpointHandler {
    let store: any RejectionStore
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        try call.refuseEmptySegments()
        try await call.refuseFilters(except: "through")
        let caller = try call.caller()
        let isCheckOnly = call.preferences.contains("validate-only")
        var (dismissed, remaining) = (0, 0)
        let range = try await store.openRange(of: call, caller, limits)
        if let range {
            if !isCheckOnly {
                let rejections = try await store.rejections(
                    range, limit: Limits.rejectionDismissStep, bodyBytesMax: 0)
                dismissed = try await store.dismissRejections(rejections.map(\.id), account: range.account)
            }
            remaining = try await store.countRejections(range)
        }
        return .json(
            .object([
                .init("dismissed", JSONValue(dismissed)), .init("remaining", JSONValue(remaining)),
                .init("through", range.map { .string(String($0.through)) } ?? .null),
            ]), headers: isCheckOnly ? [.preferenceApplied: "validate-only"] : [:])
    }
}
