import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}`: everything of a profile, in all sections. An API key that may write
/// through the keyspace may do it, since integrations of the original do.
struct DeleteProfile: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response {
        // A filter was meant to keep something.
        try call.refuseParameters()
        let caller = try call.caller()
        let keyspace = try caller.keyspaceForWriting(call.path.keyspace())
        let profile = try call.profile(in: keyspace, of: caller)
        if call.isCheckOnly {
            guard let found = try await store.profile(.address(profile)) else { throw call.unknownProfile }
            if let problem = found.state.problem { throw problem }
            return .noContent(Call.checked)
        }
        var random = SystemRandomNumberGenerator()
        let id = ErasureID(using: &random)
        let change = ProfileChange(
            profile: profile, at: call.receivedAt, actor: caller.key.clientID,
            operations: [.erase(id, formats: caller.keyFormats)])
        switch try await store.change(change) {
        case .changed: return .noContent([.erasureID: id.text, .cacheControl: "no-store"])
        case .noProfile: throw call.unknownProfile
        case .refused(let state) where state.problem != nil: throw state.problem ?? call.unknownProfile
        case .unchanged, .exists, .refused, .full, .duplicate, .conflict, .different, .tooManyMembers, .canonical, .taken,
            .lastKey:
            throw Problem(.internalError, "The profile was not deleted, for no reason that the server knows.")
        }
    }
}

extension HTTPField.Name {
    static let erasureID = HTTPField.Name("Erasure-Id")!
}
