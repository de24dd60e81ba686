import AsyncAlgorithms
import Logging
import OvationCore
public import ServiceLifecycle

/// Works on jobs, one at a time, beside the requests. It is woken when one can begin, and looks now and then besides: for jobs
/// that another server has left, and for those that have waited too long.
public struct JobRunner: Service {
    let store: any Store
    let directory: Directory
    let files: JobFiles
    let metrics: ServerMetrics
    let wake: JobSignal
    let clock: WallClock
    let logger: Logger
    /// Names this process in leases. On a store that no other server has there is nobody to tell it from, so that a restart
    /// goes on at once.
    let owner: String

    init(_ dependencies: Dependencies) {
        store = dependencies.store
        directory = dependencies.directory
        files = dependencies.files
        metrics = dependencies.journal.metrics
        wake = dependencies.jobs
        clock = dependencies.clock
        logger = dependencies.journal.logger
        owner =
            dependencies.store.isShared ? String(UInt64.random(in: .min ... .max), radix: 36) : "the only server"
    }

    public func run() async throws {
        let polls = AsyncTimerSequence(interval: Limits.jobsPoll, clock: .continuous).map { _ in () }
        var forgetting = Forgetting(noted: nil, limits: Limits())
        var rounds = 0
        // What a server before this one has left.
        wake.send()
        for await _ in merge(wake.stream, polls).cancelOnGracefulShutdown() {
            let believed = forgetting.time(clock.now())
            let isCleaning = rounds % JobRunner.cleaningRounds == 0
            rounds += 1
            do {
                try await cancelWhenGracefulShutdown {
                    try await round()
                    if isCleaning { try await clean(at: believed) }
                }
            } catch is CancellationError {
                return
            } catch let failure as StoreFailure {
                // The store tells of that itself.
                logger.debug("no job is done just now", metadata: ["why": "\(failure)"])
            } catch {
                logger.warning("a job is not done just now", metadata: ["why": "\(error)"])
            }
        }
    }

    private static let cleaningRounds = 720

    /// Looks at each open job once.
    package func round() async throws {
        let jobs = try await store.openJobs(limit: Limits.jobsOpenMax)
        metrics.note(open: jobs)
        for job in jobs {
            if let expired = job.expired(at: clock.now()) {
                guard let ended = try await store.save(expired) else { continue }
                metrics.count(ended: ended)
                files.remove(job.id, .upload)
                continue
            }
            guard files.has(job.id, .upload), let taken = job.taken(by: owner, at: clock.now()),
                try await store.save(taken) != nil,
                // With what was asked for, which a list leaves out.
                let mine = try await store.job(job.id, account: job.account)
            else { continue }
            let run = ImportRun(
                store: store, directory: directory, files: files, metrics: metrics, clock: clock, logger: logger)
            do {
                try await run.run(mine)
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // It stays as it was noted, and has its turn again. The others are not to wait for it.
                logger.warning("a job is not done just now", metadata: ["job": "\(job.id.text)", "why": "\(error)"])
            }
            // An import takes its time, and the figures are not to be of before it.
            metrics.note(open: try await store.openJobs(limit: Limits.jobsOpenMax))
        }
    }

    /// Removes jobs that have expired, and files that belong to no job or to one that does not need them any more.
    private func clean(at believed: Timestamp) async throws {
        var known: [JobID: Job] = [:]
        for account in directory.accounts.map(\.catalogue.account.number) {
            var position: JobPosition?
            while true {
                let page = try await store.jobs(account: account, before: position, limit: Limits.jobsPageMax)
                for job in page { known[job.id] = job }
                guard let last = page.last else { break }
                position = last.position
            }
        }
        try await store.removeJobs(expiredAt: believed)
        let (files, kept) = (files, known)
        try await JobFiles.blocking {
            files.sweep(olderThan: believed) { id, isReport in
                guard let job = kept[id] else { return nil }
                // A job that was removed just now was too old for its files.
                if job.state.isEnd, job.expiresAt <= believed { return false }
                return isReport || !job.state.isEnd
            }
        }
    }
}
