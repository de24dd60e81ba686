import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/profiles/merges/keyspaces/{keyspace}/profiles/{key}`: takes a key out of a merged profile, without
/// data. With `Prefer: handling=restore` it undoes the newest merge of the key.
struct UnmergeProfile: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response {
        try call.refuseParameters()
        let caller = try call.caller()
        let keyspace = try caller.keyspaceForWriting(call.path.keyspace())
        let address = try call.profile(in: keyspace, of: caller)
        // If two preferences exclude each other, the first counts (RFC 7240 §2).
        let restores = call.preferences.first { $0.hasPrefix("handling=") } == "handling=restore"
        if call.isCheckOnly {
            try await verify(address, call)
            return .noContent(Call.checked)
        }
        let change = ProfileChange(
            profile: address, at: call.receivedAt, actor: caller.key.clientID,
            operations: [restores ? .restore : .unmerge])
        let outcome = try await store.change(change)
        switch outcome {
        case .changed, .unchanged: return .noContent(restores ? [.preferenceApplied: "handling=restore"] : [:])
        default: throw outcome.problem(caller)
        }
    }

    /// What the store would say, as far as it can be known before.
    private func verify(_ address: ProfileAddress, _ call: Call) async throws {
        guard let profile = try await store.profile(.address(address)) else { throw call.unknownProfile }
        if let problem = profile.state.problem { throw problem }
        guard profile.members.count == 1 || profile.members[0].key != address.profileKey else {
            throw ProfileChangeOutcome.canonical.problem(try call.caller())
        }
    }
}
