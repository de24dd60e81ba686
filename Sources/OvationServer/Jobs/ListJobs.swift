import HTTPTypes
import OvationCore
import OvationWire

/// `GET /audience/jobs?limit=&cursor=`: the jobs of the account, newest first.
struct ListJobs: BodyEndpoint {
    let store: any JobStore

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Jobs> {
        let caller = try call.caller()
        let limit = try call.int("limit", in: 1...Limits.jobsPageMax, default: 50)
        let before = try call.parameter("cursor").map { text throws(Problem) in try JobCursor.parse(text) }
        // One more tells whether there is a next page.
        let found = try await store.jobs(account: caller.key.account, before: before, limit: limit + 1)
        let page = found.prefix(limit)
        var body = Bodies.Jobs()
        body.items = page.map { Bodies.Job($0, section: caller.sectionName($0)) }
        body.nextCursor = found.count > limit ? page.last.map { JobCursor.write($0.position) } : nil
        return BodyAnswer(body)
    }
}

extension Identity {
    /// The discriminator of a job's section; nil: it is about all of them.
    func sectionName(_ job: Job) -> String? {
        guard job.section != 0 else { return nil }
        return account.catalogue.sections.first { $0.number == job.section }?.discriminator.text ?? String(job.section)
    }
}
