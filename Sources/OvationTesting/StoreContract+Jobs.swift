import OvationCore
import Testing

/// Jobs: kept, listed, and changed by one server at a time.
extension StoreContract {
    static let jobChecks: [Check] = [
        Check("a job comes back as it was kept, whatever became of it") { try await $0.keepsJobs() },
        Check("a job that was changed meanwhile is not saved") { try await $0.savesJobsOnce() },
        Check("of many servers at once one takes a job") { try await $0.givesJobToOne() },
        Check("an account has so many open jobs and no more, however many are asked for at once") {
            try await $0.boundsOpenJobs()
        },
        Check("jobs of each kind have a bound of their own, and begin without a file") { try await $0.keepsKinds() },
        Check("jobs are listed newest first, by account, page by page") { try await $0.listsJobs() },
        Check("ended jobs are removed when they have expired, and open ones are not") { try await $0.removesJobs() },
    ]

    private func newJob(_ number: Int, account: Int64 = 1, at offset: Int = 0) throws -> Job {
        let digits = String(number, radix: 16)
        let id = "00000000-0000-0000-0000-" + String(repeating: "0", count: 12 - digits.count) + digits
        return Job(
            try #require(JobID(id)), .profileImport, account: account, section: 2, actor: "someone",
            at: Fixtures.now.advanced(by: .seconds(offset)), request: [0x7B, 0x7D], uploadHash: [0, 1, 255])
    }

    private func keepsJobs() async throws {
        try await found()
        let now = Fixtures.now
        var job = try newJob(1)
        #expect(try await store.add(job, openMax: 3))
        #expect(try await store.job(job.id, account: 1) == job)
        #expect(try await store.job(job.id, account: 2) == nil)
        let counts = Job.Counts(made: 4, updated: 3, unchanged: 2, refused: 1)
        let steps: [(Job) -> Job?] = [
            { $0.received(bytes: 1 << 40, at: now) }, { $0.taken(by: "server 1", at: now) },
            { $0.progressed(to: Job.Place(bytes: 9, line: 8, reportBytes: 7), counts, at: now) },
            { $0.ended(Job.Failure(.invalidFile, "\"line\" 3: 'å'"), at: now) },
        ]
        for step in steps {
            let next = try #require(step(job))
            let saved = try #require(try await store.save(next))
            #expect(saved.revision == job.revision + 1 && saved.state == next.state)
            #expect(try await store.job(job.id, account: 1) == saved)
            job = saved
        }
        #expect(job.counts == counts && job.failure?.detail == "\"line\" 3: 'å'")
    }

    private func savesJobsOnce() async throws {
        try await found()
        let job = try newJob(1)
        #expect(try await store.add(job, openMax: 3))
        let first = try #require(job.received(bytes: 5, at: Fixtures.now))
        let second = try #require(job.cancelled(at: Fixtures.now))
        let saved = try #require(try await store.save(first))
        #expect(try await store.save(second) == nil)
        let unknown = try #require(try newJob(2).cancelled(at: Fixtures.now))
        #expect(try await store.save(unknown) == nil)
        #expect(try await store.job(job.id, account: 1) == saved)
    }

    private func givesJobToOne() async throws {
        try await found()
        let job = try newJob(1)
        #expect(try await store.add(job, openMax: 3))
        let received = try #require(job.received(bytes: 5, at: Fixtures.now))
        let queued = try #require(try await store.save(received))
        let store = store
        let takers = try await withThrowingTaskGroup(of: Job?.self) { group in
            for number in 0..<12 {
                group.addTask {
                    guard let taken = queued.taken(by: "server \(number)", at: Fixtures.now) else { return nil }
                    return try await store.save(taken)
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.compactMap { $0 }
        }
        #expect(takers.count == 1)
        #expect(try await store.openJobs(limit: 9) == takers.map(\.listed))
    }

    private func boundsOpenJobs() async throws {
        try await found()
        let jobs = try (1...10).map { try newJob($0) }
        let store = store
        let added = try await withThrowingTaskGroup(of: Bool.self) { group in
            for job in jobs { group.addTask { try await store.add(job, openMax: 3) } }
            return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
        }
        #expect(added == 3)
        let open = try await store.openJobs(limit: 99)
        #expect(open.count == 3)
        let cancelled = try #require(open[0].cancelled(at: Fixtures.now))
        _ = try await store.save(cancelled)
        let (next, oneMore) = (try newJob(11), try newJob(12))
        #expect(try await store.add(next, openMax: 3))
        #expect(try await !store.add(oneMore, openMax: 3))
    }

    private func keepsKinds() async throws {
        try await found()
        for (number, kind) in Job.Kind.allCases.filter(\.makesFile).enumerated() {
            let ids = [10 * number + 20, 10 * number + 21].map { "00000000-0000-0000-0000-0000000000\($0)" }
            let jobs = try ids.map {
                Job(
                    making: try #require(JobID($0)), kind, account: 1, section: 0, actor: "someone", at: Fixtures.now,
                    request: [0x7B, 0x7D])
            }
            #expect(try await store.add(jobs[0], openMax: 1))
            #expect(try await !store.add(jobs[1], openMax: 1))
            #expect(try await store.job(jobs[0].id, account: 1) == jobs[0])
            let taken = try #require(jobs[0].taken(by: "me", at: Fixtures.now))
            let begun = try #require(try await store.save(taken))
            let done = begun.progressed(profiles: 7, of: 9, bytes: 1 << 40, at: Fixtures.now)
            let noted = try #require(try await store.save(done))
            #expect(noted.counts.made == 7 && noted.fileBytes == 9 && noted.place.reportBytes == 1 << 40)
            let ended = try #require(try await store.save(noted.ended(at: Fixtures.now)))
            #expect(try await store.job(ended.id, account: 1) == ended)
            #expect(try await store.add(jobs[1], openMax: 1))
        }
    }

    private func listsJobs() async throws {
        try await found()
        // Two have one time: their ids decide.
        for (number, offset) in [(1, 0), (2, 0), (3, 1), (4, 2), (5, 3)] {
            let job = try newJob(number, at: offset)
            #expect(try await store.add(job, openMax: 9))
        }
        let foreign = try newJob(6, account: 2)
        #expect(try await store.add(foreign, openMax: 9))
        var found: [Job] = []
        var before: JobPosition?
        while true {
            let page = try await store.jobs(account: 1, before: before, limit: 2)
            #expect(page.count <= 2)
            guard let last = page.last else { break }
            found += page
            before = last.position
        }
        let oldest = [try newJob(1), try newJob(2)]
        let newest = [try newJob(5, at: 3), try newJob(4, at: 2), try newJob(3, at: 1)]
        #expect(found == (newest + oldest.reversed()).map(\.listed))
        #expect(found.allSatisfy { $0.request.isEmpty } && oldest.allSatisfy { !$0.request.isEmpty })
        #expect(try await store.openJobs(limit: 2) == oldest.map(\.listed))
        // One that was listed is saved, and keeps what was asked for.
        let ended = try #require(try await store.save(found[0].ended(at: Fixtures.now)))
        #expect(try await store.job(ended.id, account: 1)?.request == newest[0].request)
    }

    private func removesJobs() async throws {
        try await found()
        let (one, other) = (try newJob(1), try newJob(2))
        for job in [one, other] { #expect(try await store.add(job, openMax: 9)) }
        let ended = try #require(try await store.save(one.ended(at: Fixtures.now)))
        let before = Timestamp(milliseconds: ended.expiresAt.milliseconds - 1)
        try await store.removeJobs(expiredAt: before)
        #expect(try await store.job(one.id, account: 1) == ended)
        try await store.removeJobs(expiredAt: ended.expiresAt)
        #expect(try await store.jobs(account: 1, before: nil, limit: 9) == [other.listed])
    }
}
