import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/jobs`
enum JobList {
    private static let pageSize = 50

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let cursor = try visit.query("cursor")
        let page = try await visit.call(ListJobs.self, query: [("limit", String(pageSize)), ("cursor", cursor)])
        let keys = try await visit.keyNames()
        let sections = visit.catalogue.sections
        let section = sections.first { $0.discriminator.text == visit.session.section } ?? sections.first
        return await visit.page(
            JobsPage(
                rows: page.items.map { ShownJob($0, visit, keys) },
                exportsHref: section.map { ConsolePath.exports($0.discriminator) },
                olderHref: page.nextCursor.map { ConsolePath.with(ConsolePath.jobs, [("cursor", $0)]) },
                href: ConsolePath.with(ConsolePath.jobs, [("cursor", cursor)])), area: .jobs)
    }
}

/// `/console/jobs/{job}`
enum JobDetails {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let job = try await visit.job()
        let shown = ShownJob(job, visit, try await visit.keyNames())
        let refused = try await refusedRows(visit, job)
        let hasReport = job.kind == .import && job.result.failed > 0 && !visit.session.isMasked
        let hasFile = job.file != nil && job.result.status == .completed && !visit.session.isMasked
        return await visit.page(
            JobPage(
                job: shown, ended: job.result.endedAt.map { Moment($0) }, failure: job.result.error?.detail,
                refused: refused.map {
                    .init(
                        line: Int($0.line), column: $0.column,
                        // It can quote the file.
                        reason: visit.session.isMasked ? "Masked, since it can quote the file." : $0.detail)
                }, reportHref: hasReport ? ConsolePath.job(job.jobID) + "/report" : nil,
                fileHref: hasFile ? ConsolePath.job(job.jobID) + "/file" : nil,
                cancelHref: job.result.status.isEnd ? nil : ConsolePath.job(job.jobID) + "/cancel"), area: .jobs)
    }

    private static func refusedRows(_ visit: Visit, _ job: Bodies.Job) async throws -> [Bodies.RefusedRow] {
        guard job.kind == .import, job.result.failed > 0 else { return [] }
        do {
            return try await visit.call(GetImport.self, job.importPath).refusedRows ?? []
        } catch let problem as Problem where problem.code == .sectionNotFound {
            return []
        }
    }

    @Sendable static func report(_ visit: Visit) async throws -> Response {
        let job = try await visit.job()
        guard job.kind == .import else { throw Problem(.notFound, "A job of this kind has no report.") }
        guard !visit.session.isMasked else {
            throw Problem(.conflict, "Profile keys are masked in this session. Show them to download the report.")
        }
        return try await visit.respond(GetImportReport.self, job.importPath)
    }

    @Sendable static func file(_ visit: Visit) async throws -> Response {
        let id = try visit.path.jobID("job").text
        return try await visit.download(GetJobFile.self, ["job": id])
    }
}

/// `/console/jobs/{job}/cancel`
enum JobCancelling {
    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let job = try await visit.job()
        let isImport = job.kind == .import
        let page = ConfirmPage(
            heading: "Cancel the \(job.kind.words.lowercased())?",
            explanation: ["Nothing more of it is done. It cannot be taken up again."],
            consequences: isImport ? ["What is stored stays.", "Its file is removed from the server."] : [],
            action: ConsolePath.job(job.jobID) + "/cancel", button: "Cancel the job", danger: true,
            cancel: ConsolePath.job(job.jobID))
        return await visit.page(page, area: .jobs)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let id = try visit.path.jobID("job").text
        try await visit.act(CancelJob.self, ["job": id])
        return visit.redirect(to: ConsolePath.job(id), "The job is cancelled.")
    }
}

extension Visit {
    fileprivate func job() async throws -> Bodies.Job {
        try await call(GetJob.self, ["job": try path.jobID("job").text])
    }
}

extension Bodies.Job {
    fileprivate var importPath: KeyValuePairs<String, String> {
        ["section": sectionDiscriminator ?? "", "import_id": jobID]
    }
}

extension Bodies.JobKind {
    /// Such as `Import`.
    fileprivate var words: String {
        let words = rawValue.split(separator: "_").joined(separator: " ")
        return words.prefix(1).uppercased() + words.dropFirst()
    }
}

extension ShownJob {
    /// - Parameter keys: names of API keys by client id.
    fileprivate init(_ job: Bodies.Job, _ visit: Visit, _ keys: [String: String]) {
        let result = job.result
        let section = job.sectionDiscriminator.flatMap { try? Discriminator<Section>($0) }
            .flatMap(visit.catalogue.section)
        let state: State =
            switch result.status {
            case .waitingForFile: .waitingForFile
            case .queued: .queued
            case .inProgress: .inProgress
            case .completed: .completed
            case .error: .failed
            case .cancelled: .cancelled
            }
        self.init(
            id: job.jobID, kind: job.kind.words, section: section?.name ?? job.sectionDiscriminator ?? "All sections",
            by: keys[job.requestedBy] ?? job.requestedBy, at: Moment(job.createdAt), state: state,
            percent: result.bytes > 0 ? Int(min(100, result.bytesDone * 100 / result.bytes)) : nil,
            rows: job.kind == .import
                ? Rows(
                    new: Int(result.new), updated: Int(result.updated), notChanged: Int(result.notChanged),
                    refused: Int(result.failed)) : nil)
    }
}
