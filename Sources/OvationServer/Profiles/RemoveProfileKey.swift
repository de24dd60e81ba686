import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}/keys/{other_keyspace}/{other_key}`: the second key leads to nothing
/// any more, and what came by it stays with the profile.
struct RemoveProfileKey: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response {
        try call.refuseParameters()
        let caller = try call.caller()
        let keyspace = try caller.keyspaceForWriting(call.path.keyspace())
        let address = try call.profile(in: keyspace, of: caller)
        let other = try ProfileAddress(
            call.path.text("other_key"), in: caller.keyspaceForWriting(call.path.keyspace("other_keyspace")),
            account: caller.key.account)
        guard let profile = try await store.profile(.address(address)) else { throw call.unknownProfile }
        guard profile.keys.contains(other.profileKey) else {
            throw Problem(.profileKeyNotFound, "The profile has no such key.")
        }
        if call.isCheckOnly {
            if let problem = profile.state.problem { throw problem }
            guard profile.keys.count > 1 else { throw ProfileChangeOutcome.lastKey.problem(caller) }
            return .noContent(Call.checked)
        }
        let outcome = try await store.change(
            ProfileChange(
                profile: other, at: call.receivedAt, actor: caller.key.clientID, operations: [.removeKey]))
        switch outcome {
        case .changed, .unchanged: return .noContent()
        default: throw outcome.problem(caller)
        }
    }
}
