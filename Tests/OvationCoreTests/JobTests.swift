import OvationCore
import OvationTesting
import Testing

@Suite("Jobs")
struct JobTests {
    private let now = Fixtures.now

    private func job() throws -> Job {
        Job(
            try #require(JobID("00000000-0000-0000-0000-000000000001")), .profileImport, account: 1, section: 2,
            actor: "me", at: now, request: [], uploadHash: [])
    }

    @Test("a file comes once, and in time")
    func receives() throws {
        let job = try job()
        let queued = try #require(job.received(bytes: 7, at: now))
        #expect(queued.state == .queued && queued.fileBytes == 7)
        #expect(queued.received(bytes: 7, at: now) == nil)
        #expect(job.received(bytes: 7, at: job.expiresAt) == nil)
        #expect(job.expired(at: now) == nil && job.expired(at: job.expiresAt)?.state == .failed)
        #expect(queued.expired(at: job.expiresAt) == nil && queued.expired(at: queued.expiresAt)?.state == .failed)
    }

    @Test("a job is one server's until its lease ends, and nobody's after its end")
    func leases() throws {
        let job = try job()
        #expect(job.taken(by: "one", at: now) == nil)
        let queued = try #require(job.received(bytes: 7, at: now))
        let taken = try #require(queued.taken(by: "one", at: now))
        let until = try #require(taken.lease?.until)
        #expect(taken.taken(by: "one", at: now) != nil)
        #expect(taken.taken(by: "other", at: Timestamp(milliseconds: until.milliseconds - 1)) == nil)
        #expect(taken.taken(by: "other", at: until)?.lease?.owner == "other")
        let later = now.advanced(by: .seconds(15))
        let place = Job.Place(bytes: 3, line: 2, reportBytes: 1)
        let progressed = taken.progressed(to: place, Job.Counts(made: 1), at: later)
        #expect(progressed.place == place && progressed.taken(by: "other", at: until) == nil)
        // A server that has gone with the file does not hold the job for ever.
        let gone = until.advanced(by: Limits.jobPatience)
        #expect(taken.expired(at: Timestamp(milliseconds: gone.milliseconds - 1)) == nil)
        #expect(taken.expired(at: gone)?.state == .failed)
        for ended in [taken.ended(at: later), try #require(taken.cancelled(at: later))] {
            #expect(ended.lease == nil && ended.endedAt == later && ended.state.isEnd)
            #expect(ended.taken(by: "one", at: later) == nil && ended.cancelled(at: later) == nil)
        }
    }

    @Test(
        "a job that makes a file begins without one, and its file expires a day after its end",
        arguments: Job.Kind.allCases)
    func files(kind: Job.Kind) throws {
        let id = try #require(JobID("00000000-0000-0000-0000-000000000001"))
        let job = Job(making: id, kind, account: 1, section: 0, actor: "me", at: now, request: [])
        #expect(job.received(bytes: 7, at: now) == nil)
        let late = try #require(job.expired(at: job.expiresAt))
        #expect(late.failure?.code == (kind.makesFile ? .jobFailed : .uploadExpired) && late.fileExpiresAt == nil)
        let taken = try #require(job.taken(by: "one", at: now))
        #expect(taken.fileExpiresAt == nil)
        let gone = now.advanced(by: Limits.jobLease + Limits.jobPatience)
        #expect(taken.expired(at: gone)?.failure?.code == (kind.makesFile ? .jobFailed : .uploadExpired))
        let until = kind.makesFile ? now.advanced(by: .seconds(86_400)) : nil
        #expect(taken.ended(at: now).fileExpiresAt == until)
        #expect(taken.ended(Job.Failure(.jobFailed, "x"), at: now).fileExpiresAt == nil)
    }

    @Test("a failure that quotes a NUL has none")
    func failure() {
        #expect(Job.Failure(.invalidFile, "a\0b").detail == "ab")
    }
}
