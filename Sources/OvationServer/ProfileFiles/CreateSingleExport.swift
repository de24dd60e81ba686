import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/profiles/export-single/{export_key}`: has a file made of all that is known of one profile, and tells the
/// callback.
struct CreateSingleExport: InputEndpoint {
    typealias Input = Bodies.SingleExportRequest

    let profileFiles: ProfileFiles
    let store: any ProfileStore
    let callbacks: Callbacks?
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        try profileFiles.requireReading(call.caller())
        let ignoresPermissions = try call.ignoresKeyspacePermissions()
        let asked = try await input(of: call)
        let id = try call.path.profileID("export_key")
        let caller = try profileFiles.directory.current(call.caller())
        try profileFiles.requireReading(caller)
        guard let callbacks else { throw Callbacks.notListed }
        try callbacks.check(asked.callbackURL)
        let view = ProfileView(caller, ignoresPermissions: ignoresPermissions)
        // To a key that may read none of its keys, a profile does not exist.
        guard let profile = try await store.profile(.id(id, account: caller.key.account)),
            view.reading(profile) != nil
        else { throw Problem(.profileNotFound, "There is no profile with this export key.") }
        let query = asked.includeTypeDefinitions ?? false ? "?metadata=true" : ""
        _ = try await profileFiles.add(.singleExport, of: profile.id, asked.json, caller, call) {
            Endpoint.getSingleExport.path(["account": String(caller.key.account), "job": $0.text]) + query
        }
        return Response(status: .accepted)
    }
}
