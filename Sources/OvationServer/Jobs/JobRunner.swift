import AsyncAlgorithms
import Logging
import OvationCore
public import ServiceLifecycle
import Synchronization

/// Works on jobs beside the requests, of each kind one at a time, so that a long import holds up no export. It is woken when
/// one can begin, and looks now and then besides: for jobs that another server has left, and for those that have waited too
/// long.
public struct JobRunner: Service {
    let store: any Store
    let directory: Directory
    let files: JobFiles
    let metrics: ServerMetrics
    let wake: JobSignal
    let clock: WallClock
    let logger: Logger
    private let fileRun: ProfileFileRun
    private let busy = BusyKinds()
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
        fileRun = ProfileFileRun(dependencies)
        owner =
            dependencies.store.isShared ? String(UInt64.random(in: .min ... .max), radix: 36) : "the only server"
    }

    public func run() async throws {
        let polls = AsyncTimerSequence(interval: Limits.jobsPoll, clock: .continuous).map { _ in () }
        var forgetting = Forgetting(noted: nil, limits: Limits())
        var rounds = 0
        // What a server before this one has left.
        wake.send()
        await withDiscardingTaskGroup { group in
            for await _ in merge(wake.stream, polls).cancelOnGracefulShutdown() {
                let believed = forgetting.time(clock.now())
                if rounds % JobRunner.cleaningRounds == 0 {
                    group.addTask { _ = await guarded { try await clean(at: believed) } }
                }
                rounds += 1
                let jobs = await guarded { try await store.openJobs(limit: Limits.jobsOpenMax) } ?? []
                metrics.note(open: jobs)
                for kind in Job.Kind.allCases {
                    let own = jobs.filter { $0.kind == kind }
                    guard !own.isEmpty, busy.begin(kind) else { continue }
                    group.addTask {
                        let hasTaken = await guarded { try await work(on: own) } ?? false
                        busy.end(kind)
                        // More of them may have come meanwhile.
                        if hasTaken { wake.send() }
                    }
                }
            }
        }
    }

    /// Until the server stops. nil: it failed, and is tried again at the next look.
    private func guarded<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async -> Value? {
        do {
            return try await cancelWhenGracefulShutdown { try await work() }
        } catch is CancellationError {
            return nil
        } catch let failure as StoreFailure {
            // The store tells of that itself.
            logger.debug("no job is done just now", metadata: ["why": "\(failure)"])
        } catch {
            logger.warning("a job is not done just now", metadata: ["why": "\(error)"])
        }
        return nil
    }

    private static let cleaningRounds = 720

    /// Looks at each open job once, and does it.
    package func round() async throws {
        let jobs = try await store.openJobs(limit: Limits.jobsOpenMax)
        metrics.note(open: jobs)
        _ = try await work(on: jobs)
    }

    /// - Returns: whether one of them was done.
    private func work(on jobs: [Job]) async throws -> Bool {
        var hasTaken = false
        for job in jobs {
            if let expired = job.expired(at: clock.now()) {
                guard let ended = try await store.save(expired) else { continue }
                metrics.count(ended: ended)
                for role in [JobFiles.Role.upload, .result] { files.remove(job.id, role) }
                continue
            }
            guard job.kind.makesFile ? files.hasFolder : files.has(job.id, .upload),
                let taken = job.taken(by: owner, at: clock.now()), try await store.save(taken) != nil,
                // With what was asked for, which a list leaves out.
                let mine = try await store.job(job.id, account: job.account),
                // It may have been cancelled meanwhile.
                mine.state == .inProgress, mine.lease?.owner == owner
            else { continue }
            do {
                try await run(mine)
                // After a failure it waits for the next look.
                hasTaken = true
            } catch is CancellationError {
                throw CancellationError()
            } catch {
                // It stays as it was noted, and has its turn again. The others are not to wait for it.
                logger.warning("a job is not done just now", metadata: ["job": "\(job.id.text)", "why": "\(error)"])
            }
            // An import takes its time, and the figures are not to be of before it.
            metrics.note(open: try await store.openJobs(limit: Limits.jobsOpenMax))
        }
        return hasTaken
    }

    private func run(_ job: Job) async throws {
        switch job.kind {
        case .profileImport:
            let run = ImportRun(
                store: store, directory: directory, files: files, metrics: metrics, clock: clock, logger: logger)
            try await run.run(job)
        case .profileExport, .singleExport, .consentReport, .duplicateReport: try await fileRun.run(job)
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
            files.sweep(olderThan: believed) { id, role in
                guard let job = kept[id] else { return nil }
                // A job that was removed just now was too old for its files.
                if job.state.isEnd, job.expiresAt <= believed { return false }
                switch role {
                case .report: return true
                case .result: return job.fileExpiresAt.map { believed < $0 } ?? !job.state.isEnd
                case .upload, nil: return !job.state.isEnd
                }
            }
        }
    }
}

/// The kinds of jobs that are being worked on.
private final class BusyKinds: Sendable {
    private let kinds = Mutex<Set<Job.Kind>>([])

    /// - Returns: false: one is being worked on.
    func begin(_ kind: Job.Kind) -> Bool { kinds.withLock { $0.insert(kind).inserted } }

    func end(_ kind: Job.Kind) { _ = kinds.withLock { $0.remove(kind) } }
}
