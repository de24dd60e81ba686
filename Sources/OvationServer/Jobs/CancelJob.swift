import Hummingbird
import OvationCore
import OvationWire

/// `DELETE /audience/jobs/{job}`: cancels a job. What is done stays.
struct CancelJob: EndpointHandler {
    let store: any JobStore
    let files: JobFiles
    let metrics: ServerMetrics

    func respond(to call: Call) async throws -> Response {
        while true {
            let job = try await store.job(call)
            if job.kind == .profileImport { try call.caller().requireSomeKeyspace() }
            guard let cancelled = job.cancelled(at: call.receivedAt) else {
                throw Problem(.jobEnded, "The job has ended, and cannot be cancelled.")
            }
            // A server that works on it may have noted how far it is.
            guard let ended = try await store.save(cancelled) else { continue }
            metrics.count(ended: ended)
            // Personal data are in there.
            try await JobFiles.blocking {
                for role in [JobFiles.Role.upload, .result] { files.remove(job.id, role) }
            }
            return .noContent()
        }
    }
}
