import OvationCore
import OvationWire

/// `POST /audience/sections/{section}/imports`: the same as the original's first version has it, with keys of several
/// keyspaces.
struct CreateMergingImport: BodyEndpoint, InputEndpoint {
    typealias Input = Bodies.MergingImportRequest

    let imports: Imports
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.NewImport> {
        // Refused before the body is read, if possible; and resolved again afterwards.
        var caller = try call.caller()
        _ = try caller.section(call.path.section())
        try caller.requireSomeKeyspace()
        let asked = try await input(of: call)
        caller = try imports.directory.current(caller)
        return try await imports.add(
            try asked.mapping, JSONWriter.write(asked.json), section: try caller.section(call.path.section()), caller,
            call)
    }
}
