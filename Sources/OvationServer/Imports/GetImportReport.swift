import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/imports/{import_id}/report`: the refused rows so far, as CSV.
struct GetImportReport: EndpointHandler {
    let imports: Imports

    func respond(to call: Call) async throws -> Response {
        let (job, _) = try await imports.find(call)
        let end = job.place.reportBytes
        let headers: HTTPFields = [
            .contentType: "text/csv; charset=utf-8; header=present",
            .contentDisposition: "attachment; filename=\"import-\(job.id.text).csv\"",
        ]
        guard end > 0 else {
            let empty = ByteBuffer(bytes: ImportReport.row(ImportReport.columns))
            return Response(status: .ok, headers: headers, body: ResponseBody(byteBuffer: empty))
        }
        let files = imports.files
        let file = try await JobFiles.blocking {
            guard files.has(job.id, .report) else {
                throw Problem(.storeUnavailable, "The report lies with another server of this store; ask that one.")
            }
            do {
                return try OpenFile(try files.path(job.id, .report), JobFiles.reading)
            } catch let failure as FileFailure {
                throw failure.problem
            }
        }
        let body = ResponseBody.stream(on: call.connection) { output in
            var offset: Int64 = 0
            while offset < end {
                let piece = try await JobFiles.blocking { [offset] in
                    try file.read(Int(min(end - offset, Int64(Limits.importPieceBytes))), at: offset)
                }
                guard !piece.isEmpty else { break }
                offset += Int64(piece.count)
                try await output.write(ByteBuffer(bytes: piece))
            }
        }
        return Response(status: .ok, headers: headers, body: body)
    }
}
