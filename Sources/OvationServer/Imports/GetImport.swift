import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/imports/{import_id}`: how far an import is.
struct GetImport: BodyEndpoint {
    let imports: Imports

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Import> {
        let (job, section) = try await imports.find(call)
        return BodyAnswer(Bodies.Import(job, section: section.discriminator.text))
    }
}
