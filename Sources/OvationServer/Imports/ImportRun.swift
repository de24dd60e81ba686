import Logging
import OvationCore
import OvationWire

/// Works on one import: reads its file in batches, changes profiles by the queue that all changes take, and notes how far it
/// is. What is interrupted goes on from where it was noted last; rows behind that are done again, and change nothing.
struct ImportRun: Sendable {
    let store: any ProfileStore & JobStore
    let directory: Directory
    let files: JobFiles
    let metrics: ServerMetrics
    let clock: WallClock
    let logger: Logger

    /// Somebody else has the job now, or has cancelled it.
    private struct JobIsGone: Error {}

    /// Between two notes of how far it is.
    private static let noteInterval = Duration.seconds(1)

    /// - Throws: what may be over later. The job stays as it was noted.
    func run(_ job: Job) async throws {
        var job = job
        do {
            try await work(&job)
            try await end(&job, nil)
        } catch let problem as Problem where !problem.isOurs {
            try await end(&job, Job.Failure(problem.code, problem.detail))
        } catch is JobIsGone {
            if try await store.job(job.id, account: job.account)?.state.isEnd ?? true { files.remove(job.id, .upload) }
            logger.info("a job was cancelled or taken over", metadata: ["job": "\(job.id.text)"])
        }
    }

    private func end(_ job: inout Job, _ failure: Job.Failure?) async throws {
        try await save(&job, job.ended(failure, at: clock.now()))
        metrics.count(ended: job)
        files.remove(job.id, .upload)
        logger.info(
            "profiles are imported",
            metadata: [
                "job": "\(job.id.text)", "state": "\(job.state.rawValue)", "new": "\(job.counts.made)",
                "updated": "\(job.counts.updated)", "unchanged": "\(job.counts.unchanged)",
                "failed": "\(job.counts.refused)",
            ])
    }

    private func save(_ job: inout Job, _ next: Job) async throws {
        guard let saved = try await store.save(next) else { throw JobIsGone() }
        job = saved
    }

    // MARK: Batch by batch

    private func work(_ job: inout Job) async throws {
        let id = job.id
        let files = files
        let file = try await JobFiles.blocking { try OpenFile(try files.path(id, .upload), JobFiles.reading) }
        let (header, delimiter) = try await check(file, &job)
        let asked = try ImportAsked(job.request)
        var checker = try RowChecker(asked, header, job, directory)
        var report = try await ImportReportFile(files, id, header.fields, at: job.place)
        var place = job.place
        if place.bytes == 0 {
            place = Job.Place(bytes: header.end, line: header.nextLine, reportBytes: place.reportBytes)
        }
        var counts = job.counts
        var notedAt = ContinuousClock.now
        // Most files have people who are all new, or all known. What is true of one batch is tried first with the next.
        var expectsNew = true
        var pace = Pace(metrics)
        var (batch, source) = try await checker.batch(from: ImportSource(file, delimiter: delimiter, at: place))
        while let last = batch.last {
            try Task.checkCancellation()
            if !directory.isCurrent(checker.caller) {
                checker = try RowChecker(asked, header, job, directory)
                (batch, source) = try await checker.batch(from: ImportSource(file, delimiter: delimiter, at: place))
            }
            // While the store is busy with these rows, the next ones are read and checked.
            let (reader, behind) = (checker, source)
            async let following = reader.batch(from: behind)
            let outcomes = try await apply(
                batch, checker, isCheckOnly: asked.isCheckOnly, expectsNew: expectsNew, &pace)
            let done = Job.Counts(outcomes)
            expectsNew = done.made > done.updated + done.unchanged
            counts += done
            metrics.countRows(done)
            place.bytes = last.row.end
            place.line = last.row.nextLine
            place.reportBytes = try await report.add(batch, outcomes, behind: place.reportBytes)
            if ContinuousClock.now - notedAt >= ImportRun.noteInterval {
                try await note(&job, place, counts, report)
                notedAt = .now
            }
            (batch, source) = try await following
        }
        try await note(&job, place, counts, report)
    }

    /// Checks the whole file once, in steps: another server is not to take the job meanwhile, and a job that is cancelled ends.
    /// - Returns: the first row, and the delimiter.
    private func check(_ file: OpenFile, _ job: inout Job) async throws -> (header: CSVRow, delimiter: UInt8) {
        var source = ImportSource(file)
        let header: CSVRow
        (header, source) = try await JobFiles.blocking { [source] in
            var source = source
            return (try source.header(), source)
        }
        guard let delimiter = source.delimiter else {
            throw Problem(.internalError, "A file with a first row has no delimiter.")
        }
        // Rows are done, so it was checked before.
        guard job.place.bytes == 0 else { return (header, delimiter) }
        var notedAt = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            let isMore: Bool
            (isMore, source) = try await JobFiles.blocking { [source] in
                var source = source
                return (try source.check(pieces: Limits.importCheckPieces), source)
            }
            guard isMore else { return (header, delimiter) }
            guard ContinuousClock.now - notedAt >= ImportRun.noteInterval else { continue }
            try await save(&job, job.progressed(to: job.place, job.counts, at: clock.now()))
            notedAt = .now
        }
    }

    /// The report first: what is noted is there after a power failure.
    private func note(
        _ job: inout Job, _ place: Job.Place, _ counts: Job.Counts, _ report: ImportReportFile
    ) async throws {
        try await report.sync()
        try await save(&job, job.progressed(to: place, counts, at: clock.now()))
    }

    /// What became of each row, in their order. Rows of one profile take turns, in their order.
    private func apply(
        _ batch: [CheckedRow], _ checker: RowChecker, isCheckOnly: Bool, expectsNew: Bool, _ pace: inout Pace
    ) async throws -> [RowOutcome] {
        var outcomes = [RowOutcome](repeating: .unchanged, count: batch.count)
        var waiting: [(index: Int, row: ImportRow)] = []
        for (index, checked) in batch.enumerated() {
            switch checked.result {
            case .success(let row): if !isCheckOnly { waiting.append((index, row)) }
            case .failure(let refusal): outcomes[index] = .refused(refusal)
            }
        }
        let change = RowChange(
            store: store, caller: checker.caller, plan: checker.columns.plan, section: checker.section.number,
            clock: clock)
        while !waiting.isEmpty {
            var seen: Set<RowKey> = []
            var turn: [(index: Int, row: ImportRow)] = []
            var later: [(index: Int, row: ImportRow)] = []
            for (index, row) in waiting {
                let names = row.keys.map { RowKey(keyspace: $0.keyspace.number, text: $0.key.text) }
                if names.contains(where: seen.contains) {
                    later.append((index, row))
                } else {
                    turn.append((index, row))
                }
                seen.formUnion(names)
            }
            waiting = later
            var rest = turn[...]
            while !rest.isEmpty {
                let part = rest.prefix(pace.rows)
                rest = rest.dropFirst(part.count)
                let start = ContinuousClock.now
                let results = try await change.apply(part.map(\.row), expectsNew: expectsNew)
                for (place, outcome) in zip(part, results) { outcomes[place.index] = outcome }
                try await pace.makeWay(behind: part.count, since: start)
            }
        }
        return outcomes
    }
}

/// Makes way for requests between the parts of a batch.
private struct Pace {
    private var pace = ImportPace()
    private let metrics: ServerMetrics
    private var answered: Int64
    /// The end of the part before.
    private var last = ContinuousClock.now

    init(_ metrics: ServerMetrics) {
        self.metrics = metrics
        answered = metrics.requestsAnswered
    }

    var rows: Int { pace.rows }

    mutating func makeWay(behind count: Int, since start: ContinuousClock.Instant) async throws {
        let (now, before) = (ContinuousClock.now, (answered, last))
        (answered, last) = (metrics.requestsAnswered, now)
        let pause = pace.note(count, in: now - start, elapsed: now - before.1, requests: answered - before.0)
        if pause > .zero { try await Task.sleep(for: pause) }
    }
}

private struct RowKey: Hashable {
    let keyspace: Int64
    let text: String
}

enum RowOutcome: Sendable {
    case made, updated, unchanged
    case refused(ImportRefusal)
}

extension Job.Counts {
    fileprivate init(_ outcomes: [RowOutcome]) {
        self.init()
        for outcome in outcomes {
            switch outcome {
            case .made: made += 1
            case .updated: updated += 1
            case .unchanged: unchanged += 1
            case .refused: refused += 1
            }
        }
    }
}

/// What a request asked for, read back.
private struct ImportAsked {
    let mapping: ImportMapping
    let isCheckOnly: Bool

    init(_ request: [UInt8]) throws(Problem) {
        let json = try JSONValue(parsing: request)
        if json.members?.contains(where: { $0.name == "keyspace_mappings" }) == true {
            let asked = try Bodies.MergingImportRequest(json: json)
            mapping = try asked.mapping
            isCheckOnly = asked.mappings.options?.validateOnly ?? false
        } else {
            let asked = try Bodies.ImportRequest(json: json)
            mapping = try asked.mapping
            isCheckOnly = asked.mappings.options?.validateOnly ?? false
        }
    }
}

/// A row and what it says.
struct CheckedRow: Sendable {
    let row: CSVRow
    let result: Result<ImportRow, ImportRefusal>
}

/// Checks rows against the definitions and rights of one moment.
private struct RowChecker: Sendable {
    let caller: Identity
    let section: Section
    let columns: ImportColumns

    init(_ asked: ImportAsked, _ header: CSVRow, _ job: Job, _ directory: Directory) throws(Problem) {
        guard let caller = directory.identity(clientID: job.actor) else {
            throw Problem(.keyRevoked, "The API key that asked for the import has been revoked.")
        }
        guard let found = caller.account.catalogue.sections.first(where: { $0.number == job.section }) else {
            throw Problem(.sectionNotFound, "The section is not there any more.")
        }
        self.caller = caller
        section = try caller.section(found.discriminator)
        let plan = try ImportPlan(asked.mapping, in: section, for: caller)
        columns = try ImportColumns(plan, header: header.fields)
    }

    /// The next rows, and the place behind them; none at the end.
    func batch(from source: ImportSource) async throws -> ([CheckedRow], ImportSource) {
        try await JobFiles.blocking {
            var source = source
            return (try read(from: &source), source)
        }
    }

    /// Blocks.
    private func read(from source: inout ImportSource) throws -> [CheckedRow] {
        var batch: [CheckedRow] = []
        var bytes = 0
        while batch.count < Limits.importBatchRows, bytes < Limits.importBatchBytes, let row = try source.next() {
            guard !row.isEmpty else { continue }
            bytes += row.fields.reduce(0) { $0 + $1.utf8.count + 48 }
            do throws(ImportRefusal) {
                batch.append(CheckedRow(row: row, result: .success(try columns.row(row))))
            } catch {
                batch.append(CheckedRow(row: row, result: .failure(error)))
            }
        }
        return batch
    }
}
