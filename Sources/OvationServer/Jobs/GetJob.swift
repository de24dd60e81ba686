import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/jobs/{job}`: how far a job is.
struct GetJob: BodyEndpoint {
    let store: any JobStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Job> {
        let caller = try call.caller()
        let job = try await store.job(call)
        return BodyAnswer(Bodies.Job(job, section: caller.sectionName(job)))
    }
}

extension JobStore {
    /// The job in the path, where the caller asked for it or is an admin.
    func job(_ call: Call) async throws -> Job {
        let caller = try call.caller()
        guard let job = try await job(call.path.jobID("job"), account: caller.key.account),
            caller.isAdmin || job.actor == caller.key.clientID
        else { throw Problem.noJob }
        return job
    }
}
