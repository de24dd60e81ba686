public import OvationCore

// Jobs, as they cross the wire.

extension Bodies {
    public enum JobKind: String, BodyWord {
        case `import`
        public static let summary = "What a job does: 'import' makes and changes profiles from a file."
    }

    public struct Job: Body {
        public var jobID = ""
        public var kind = JobKind.import
        public var sectionDiscriminator = ""
        public var requestedBy = ""
        public var createdAt = Timestamp(milliseconds: 0)
        public var result = JobResult()
        public init() {}

        public static let summary = "Work that the server does beside its requests."
        public static let members = Members<Self> {
            $0.required("job_id", \.jobID, "Its id. That of an import is its import_id.", Erasure.idSchema)
            $0.required("kind", \.kind, "What it does.")
            $0.required(
                "section_discriminator", \.sectionDiscriminator, "The section.",
                .discriminator("com.apsis1.sections.default"))
            $0.required(
                "requested_by", \.requestedBy, "The API key that asked for it.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("created_at", \.createdAt, "When it was asked for.")
            $0.required("result", \.result, "How far it is.")
        }
    }

    public struct Jobs: ListBody {
        public var items: [Job] = []
        public var nextCursor: String?
        public init() {}

        public static let summary = "A page of jobs."
        public static let members = Members<Self> {
            $0.required("items", \.items, "The newest first.", .array(of: Job.schema, max: Limits.jobsPageMax))
            $0.nullable(
                "next_cursor", \.nextCursor, "The 'cursor' of the next page; null: this was the last one.",
                .string(example: "jmib5x2c0.8e03978e-40d5-43e8-bc93-6894a57f9324"))
        }
    }
}

extension Bodies.Job {
    /// - Parameter section: its discriminator.
    public init(_ job: OvationCore.Job, section: String) {
        self.init()
        jobID = job.id.text
        kind = Bodies.JobKind(job.kind)
        sectionDiscriminator = section
        requestedBy = job.actor
        createdAt = job.createdAt
        result = Bodies.JobResult(job)
    }
}

extension Bodies.Import {
    /// - Parameter section: its discriminator.
    public init(_ job: OvationCore.Job, section: String) {
        self.init()
        importID = job.id.text
        sectionDiscriminator = section
        requestedBy = job.actor
        createdAt = job.createdAt
        result = Bodies.JobResult(job)
    }
}

extension Bodies.JobResult {
    init(_ job: OvationCore.Job) {
        self.init()
        status = Bodies.JobStatus(job.state)
        new = job.counts.made
        updated = job.counts.updated
        notChanged = job.counts.unchanged
        failed = job.counts.refused
        bytes = job.fileBytes
        bytesDone = job.place.bytes
        endedAt = job.endedAt
        if let failure = job.failure {
            var shown = Bodies.JobFailure()
            shown.code = failure.code.rawValue
            shown.detail = failure.detail
            error = shown
        }
    }
}

extension Bodies.JobKind {
    fileprivate init(_ kind: OvationCore.Job.Kind) {
        self =
            switch kind {
            case .profileImport: .import
            }
    }
}

extension Bodies.JobStatus {
    fileprivate init(_ state: OvationCore.Job.State) {
        self =
            switch state {
            case .waitingForFile: .waitingForFile
            case .queued: .queued
            case .inProgress: .inProgress
            case .completed: .completed
            case .failed: .error
            case .cancelled: .cancelled
            }
    }

    /// Nothing is done any more.
    public var isEnd: Bool {
        switch self {
        case .waitingForFile, .queued, .inProgress: false
        case .completed, .error, .cancelled: true
        }
    }
}

/// Opaque to clients: the job after which the next page begins.
public enum JobCursor {
    public static func write(_ position: JobPosition) -> String {
        // "j" for jobs: a cursor of another list can then be told apart and refused.
        "j" + String(position.createdAt.milliseconds, radix: 36) + "." + position.id.text
    }

    public static func parse(_ text: String) throws(Problem) -> JobPosition {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard text.first == "j", parts.count == 2, let time = Int64(parts[0].dropFirst(), radix: 36),
            let id = JobID(String(parts[1]))
        else { throw Problem(.invalidCursor, "The cursor is not one that this server gave; start again without it.") }
        return JobPosition(createdAt: Timestamp(milliseconds: time), id: id)
    }
}
