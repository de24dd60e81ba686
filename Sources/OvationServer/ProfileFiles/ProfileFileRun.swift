import Logging
import OvationCore
import OvationWire

/// Works on one job that makes a file: reads profiles page by page, and notes how far it is. What is interrupted begins anew: the
/// file is nobody's before it is complete, and pages are read quickly.
struct ProfileFileRun: Sendable {
    let store: any Store
    let directory: Directory
    let files: JobFiles
    let metrics: ServerMetrics
    let clock: WallClock
    let logger: Logger
    let suppressions: Suppressions
    let callbacks: Callbacks?
    let bytesMax: Int64

    init(_ dependencies: Dependencies) {
        store = dependencies.store
        directory = dependencies.directory
        files = dependencies.files
        metrics = dependencies.journal.metrics
        clock = dependencies.clock
        logger = dependencies.journal.logger
        suppressions = Suppressions(store: dependencies.store, secretHash: dependencies.secretHash)
        callbacks = dependencies.callbacks
        bytesMax = dependencies.limits.jobFileBytesMax
    }

    /// - Throws: what may be over later. The job stays as it was noted.
    func run(_ job: Job) async throws {
        var progress = FileProgress(job, store, clock)
        let files = files
        do {
            let part = try await JobFiles.blocking {
                files.removeParts(job.id)
                return try files.makePart(job.id)
            }
            do {
                try await make(part, &progress)
            } catch {
                JobFiles.unlink(part)
                throw error
            }
            if job.kind == .singleExport { try await SingleExport(self, job).announce(&progress) }
            try await end(&progress, nil)
        } catch let problem as Problem where !problem.isOurs {
            try await end(&progress, Job.Failure(problem.code, problem.detail))
        } catch let failure as FileJobFailure {
            try await end(&progress, failure.failure)
        } catch let failure as FileFailure where failure.problem.code == .storageFull {
            // To try again would fill the disk again.
            try await end(&progress, Job.Failure(.storageFull, "The disk of the server is full."))
        } catch let failure as StoreFailure where failure.code == .damaged {
            // It would be met again.
            try await end(&progress, Job.Failure(.storeDamaged, failure.message))
        } catch is FileProgress.JobIsGone {
            // Another server may have completed it: then the file is its.
            let state = try await store.job(job.id, account: job.account)?.state
            if state == nil || state == .cancelled || state == .failed { files.remove(job.id, .result) }
            logger.info("a job was cancelled or taken over", metadata: ["job": "\(job.id.text)"])
        }
    }

    private func end(_ progress: inout FileProgress, _ failure: Job.Failure?) async throws {
        try await progress.end(failure)
        let job = progress.job
        metrics.count(ended: job)
        logger.info(
            "a file of profiles is made",
            metadata: [
                "job": "\(job.id.text)", "kind": "\(job.kind.rawValue)", "state": "\(job.state.rawValue)",
                "profiles": "\(job.counts.made)", "bytes": "\(job.place.reportBytes)",
            ])
        guard let failure else { return }
        files.remove(job.id, .result)
        if job.kind == .singleExport { await (try? SingleExport(self, job))?.tellFailure(failure) }
    }

    private func make(_ part: OpenFile, _ progress: inout FileProgress) async throws {
        var output = ResultWriter(part, bytesMax: bytesMax)
        let job = progress.job
        switch job.kind {
        case .profileImport: return
        case .profileExport: try await AllProfilesExport(self, job).write(to: &output, &progress)
        case .singleExport:
            let export = try SingleExport(self, job)
            try await export.verify(&progress)
            try await export.write(to: &output, &progress)
        case .consentReport: try await ConsentReport(self, job).write(to: &output, &progress)
        case .duplicateReport: try await DuplicateReport(self, job).write(to: &output, &progress)
        }
        try await output.flush()
        let files = files
        try await JobFiles.blocking { try files.keep(part, as: job.id, .result) }
        try await progress.note(bytes: output.bytes)
    }

    /// Who asked for it, as things stand now.
    func view(_ job: Job) throws -> ProfileView {
        guard let caller = directory.identity(clientID: job.actor) else {
            throw Problem(.keyRevoked, "The API key that asked for the file has been revoked.")
        }
        return ProfileView(caller, ignoresPermissions: try FileRequest(job).ignoresPermissions)
    }

    /// Gives all profiles, a page at a time.
    /// - Parameter sections: numbers of those whose fields are read.
    func forEachPage(
        of job: Job, in sections: [Int64], _ progress: inout FileProgress,
        _ take: ([ProfileData], inout FileProgress) async throws -> Void
    ) async throws {
        var range = ProfileExportRange(
            account: job.account, sections: sections, limit: Limits.jobProfilesMax,
            bytesMax: Limits.jobProfilesBytesMax)
        while true {
            try Task.checkCancellation()
            let page = try await store.profiles(of: range)
            try await take(page.profiles, &progress)
            progress.passed(page.profiles.count, to: page.next)
            // Pages of a large table can be empty, and the lease is to be renewed all the same.
            try await progress.noteIfDue()
            guard let next = page.next else { return }
            range.after = next
            if range.since == .max { range.since = page.newest }
        }
    }
}

/// How far a job is that makes a file. It is noted once a second.
struct FileProgress: Sendable {
    /// Somebody else has the job now, or has cancelled it.
    struct JobIsGone: Error {}

    private(set) var job: Job
    private let store: any JobStore
    private let clock: WallClock
    private var profiles: Int64 = 0
    private var about: Int64 = 0
    private var notedAt = ContinuousClock.now

    private static let noteInterval = Duration.seconds(1)

    init(_ job: Job, _ store: any JobStore, _ clock: WallClock) {
        self.job = job
        self.store = store
        self.clock = clock
    }

    /// - Parameter place: up to which id all are done; nil: all are.
    mutating func passed(_ count: Int, to place: ProfileID?) {
        profiles += Int64(count)
        // Ids are hashes, so they are spread evenly.
        let part = place.map { (Double($0.value) + 0x1p63) / 0x1p64 } ?? 1
        about = part > 0.001 ? max(profiles, Int64(Double(profiles) / part)) : 0
    }

    /// - Parameter bytes: of the file; nil: as many as before.
    mutating func noteIfDue(bytes: Int64? = nil) async throws {
        guard ContinuousClock.now - notedAt >= FileProgress.noteInterval else { return }
        try await note(bytes: bytes ?? job.place.reportBytes)
    }

    mutating func note(bytes: Int64) async throws {
        try await save(job.progressed(profiles: profiles, of: about, bytes: bytes, at: clock.now()))
        notedAt = .now
    }

    mutating func end(_ failure: Job.Failure?) async throws { try await save(job.ended(failure, at: clock.now())) }

    private mutating func save(_ next: Job) async throws {
        guard let saved = try await store.save(next) else { throw JobIsGone() }
        job = saved
    }
}
