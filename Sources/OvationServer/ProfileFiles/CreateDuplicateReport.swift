import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/profiles/reports/duplicates`: has a file made of profiles that share the value of an attribute.
struct CreateDuplicateReport: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.DuplicateReportRequest

    let profileFiles: ProfileFiles
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.NewFile> {
        try profileFiles.requireReading(call.caller())
        let ignoresPermissions = try call.ignoresKeyspacePermissions()
        let asked = try await input(of: call)
        let caller = try profileFiles.directory.current(call.caller())
        try profileFiles.requireReading(caller)
        let view = ProfileView(caller, ignoresPermissions: ignoresPermissions)
        let plan = try Problem.ofBody { () throws(Problem) in try DuplicateReportPlan(asked, view) }
        return try await profileFiles.answer(
            .duplicateReport, section: plan.rows.section.number, asked.json, caller, call)
    }
}
