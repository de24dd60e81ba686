import Logging
import OvationCore
import OvationWire

/// Works on one import: reads its file in batches, changes profiles by the queue that all changes take, and notes how far it
/// is. What is interrupted goes on from where it was noted last; rows behind that are done again, and change nothing.
struct ImportRun: Sendable {
    let store: any ProfileStore & JobStore
    let directory: Directory
    let files: JobFiles
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
        let (header, delimiter) = try await JobFiles.blocking { try ImportSource.check(file) }
        let asked = try ImportAsked(job.request)
        var checker = try RowChecker(asked, header, job, directory)
        let report = try await ImportReportFile.open(files, id, header.fields, at: job.place)
        var place = job.place
        if place.bytes == 0 {
            place = Job.Place(bytes: header.end, line: header.nextLine, reportBytes: place.reportBytes)
        }
        var source = ImportSource(file, delimiter: delimiter, at: place)
        var counts = job.counts
        var notedAt = ContinuousClock.now
        while true {
            try Task.checkCancellation()
            if !directory.isCurrent(checker.caller) { checker = try RowChecker(asked, header, job, directory) }
            let (batch, rest) = try await JobFiles.blocking { [source, checker] in
                var source = source
                return (try checker.batch(from: &source), source)
            }
            source = rest
            guard let last = batch.last else { break }
            let outcomes = try await apply(batch, checker, isCheckOnly: asked.isCheckOnly)
            for outcome in outcomes { counts.add(outcome) }
            place.bytes = last.row.end
            place.line = last.row.nextLine
            place.reportBytes = try await report.add(batch, outcomes, behind: place.reportBytes)
            if ContinuousClock.now - notedAt >= ImportRun.noteInterval {
                try await note(&job, place, counts, report)
                notedAt = .now
            }
        }
        try await note(&job, place, counts, report)
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
        _ batch: [CheckedRow], _ checker: RowChecker, isCheckOnly: Bool
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
            var seen: Set<String> = []
            var turn: [(index: Int, row: ImportRow)] = []
            var later: [(index: Int, row: ImportRow)] = []
            for (index, row) in waiting {
                let names = row.keys.map { "\($0.keyspace.number) \($0.key.text)" }
                if names.contains(where: seen.contains) {
                    later.append((index, row))
                } else {
                    turn.append((index, row))
                }
                seen.formUnion(names)
            }
            waiting = later
            try await withThrowingTaskGroup(of: (Int, RowOutcome).self) { group in
                for (index, row) in turn { group.addTask { (index, try await change.apply(row)) } }
                for try await (index, outcome) in group { outcomes[index] = outcome }
            }
        }
        return outcomes
    }
}

enum RowOutcome: Sendable {
    case made, updated, unchanged
    case refused(ImportRefusal)
}

extension Job.Counts {
    fileprivate mutating func add(_ outcome: RowOutcome) {
        switch outcome {
        case .made: made += 1
        case .updated: updated += 1
        case .unchanged: unchanged += 1
        case .refused: refused += 1
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

    /// The next rows; none at the end. Blocks.
    func batch(from source: inout ImportSource) throws -> [CheckedRow] {
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
