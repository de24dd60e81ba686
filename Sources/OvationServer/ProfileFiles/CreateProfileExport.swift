import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/profiles/exports`: has a file made of all profiles, with what is listed.
struct CreateProfileExport: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.ProfileExportRequest

    let profileFiles: ProfileFiles
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.NewFile> {
        // Refused before the body is read, if possible; and resolved again afterwards.
        try profileFiles.requireReading(call.caller())
        let ignoresPermissions = try call.ignoresKeyspacePermissions()
        let asked = try await input(of: call)
        let caller = try profileFiles.directory.current(call.caller())
        try profileFiles.requireReading(caller)
        let view = ProfileView(caller, ignoresPermissions: ignoresPermissions)
        _ = try Problem.ofBody { () throws(Problem) in try asked.selection(view) }
        return try await profileFiles.answer(.profileExport, asked.json, caller, call)
    }
}
