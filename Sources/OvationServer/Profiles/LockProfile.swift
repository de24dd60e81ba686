import Hummingbird
import OvationCore

/// `PUT /audience/keyspaces/{keyspace}/profiles/{key}/locks`: everything of a profile is removed, and its keys take nothing
/// any more. An API key that may write through the keyspace may do it, as it may delete the profile.
struct LockProfile: EndpointHandler {
    let store: any ProfileStore

    func respond(to call: Call) async throws -> Response { try await call.erase(in: store, locking: true) }
}
