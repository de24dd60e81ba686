import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/keyspaces/{keyspace}/profiles/{key}`: everything of a profile, in all sections. An API key that may write
/// through the keyspace may do it, since integrations of the original do.
struct DeleteProfile: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response { try await call.erase(in: store, locking: false) }
}

extension Call {
    /// Removes all that is stored of the profile that the path names.
    /// - Parameter locking: its keys take nothing from then on.
    func erase(in store: any ProfileStore, locking: Bool) async throws -> Response {
        // A filter was meant to keep something.
        try refuseParameters()
        let caller = try self.caller()
        let keyspace = try caller.keyspaceForWriting(path.keyspace())
        let profile = try self.profile(in: keyspace, of: caller)
        if isCheckOnly {
            guard let found = try await store.profile(.address(profile)) else { throw unknownProfile }
            if !locking, let problem = found.state.problem { throw problem }
            return .noContent(Call.checked)
        }
        var random = SystemRandomNumberGenerator()
        let id = ErasureID(using: &random)
        let change = ProfileChange(
            profile: profile, at: receivedAt, actor: caller.key.clientID,
            operations: [.erase(id, formats: caller.keyFormats, locking: locking)])
        switch try await store.change(change) {
        case .changed: return .noContent([.erasureID: id.text, .cacheControl: "no-store"])
        case .unchanged where locking: return .noContent([.cacheControl: "no-store"])
        case .noProfile: throw unknownProfile
        case .refused(let state) where state.problem != nil: throw state.problem ?? unknownProfile
        case .consented, .consentRefused, .unchanged, .exists, .refused, .full, .duplicate, .conflict, .different,
            .tooManyMembers, .canonical, .taken, .lastKey:
            throw Problem(.internalError, "Nothing was removed, for no reason that the server knows.")
        }
    }
}

extension HTTPField.Name {
    static let erasureID = HTTPField.Name("Erasure-Id")!
}
