import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/imports/{import_id}`: how far an import is.
struct GetImport: BodyEndpoint {
    let imports: Imports

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Import> {
        let (job, section) = try await imports.find(call)
        var body = Bodies.Import(job, section: section.discriminator.text)
        let files = imports.files
        body.refusedRows = try await JobFiles.blocking {
            guard job.place.reportBytes > 0 else { return [] }
            // It may lie with another server.
            guard files.has(job.id, .report) else { return nil }
            let count = Int(min(job.place.reportBytes, Int64(Limits.importPieceBytes)))
            return ImportReport.refusedRows(
                try OpenFile(try files.path(job.id, .report), JobFiles.reading).read(count, at: 0))
        }
        return BodyAnswer(body)
    }
}
