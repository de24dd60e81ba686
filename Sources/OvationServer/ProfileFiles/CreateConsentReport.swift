import Hummingbird
import OvationCore
import OvationWire

/// `POST /audience/profiles/reports/consents`: has a file made of who may be written to.
struct CreateConsentReport: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.ConsentReportRequest

    let profileFiles: ProfileFiles
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.NewFile> {
        try profileFiles.requireReading(call.caller())
        let ignoresPermissions = try call.ignoresKeyspacePermissions()
        let asked = try await input(of: call)
        let caller = try profileFiles.directory.current(call.caller())
        try profileFiles.requireReading(caller)
        let view = ProfileView(caller, ignoresPermissions: ignoresPermissions)
        let plan = try Problem.ofBody { () throws(Problem) in try ConsentReportPlan(asked, view) }
        return try await profileFiles.answer(
            .consentReport, section: plan.rows.section.number, asked.json, caller, call)
    }
}
