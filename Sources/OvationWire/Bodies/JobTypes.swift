public import OvationCore

// Jobs, as they cross the wire.

extension Bodies {
    public enum JobKind: String, BodyWord {
        case `import`
        case export
        case singleExport = "single_export"
        case consentReport = "consent_report"
        case duplicateReport = "duplicate_report"
        public static let summary =
            "What a job does: 'import' makes and changes profiles from a file; the others make a file of profiles."
    }

    public struct Job: Body {
        public var jobID = ""
        public var kind = JobKind.import
        public var sectionDiscriminator: String?
        public var requestedBy = ""
        public var createdAt = Timestamp(milliseconds: 0)
        public var result = JobResult()
        public var file: JobFile?
        public init() {}

        public static let summary = "Work that the server does beside its requests."
        public static let members = Members<Self> {
            $0.required("job_id", \.jobID, "Its id. That of an import is its import_id.", Erasure.idSchema)
            $0.required("kind", \.kind, "What it does.")
            $0.nullable(
                "section_discriminator", \.sectionDiscriminator, "The section; null: it is about all of them.",
                .discriminator("com.apsis1.sections.default"))
            $0.required(
                "requested_by", \.requestedBy, "The API key that asked for it.",
                .string(example: "752cdd05-75e0-4f8a-bd08-62e3df753ff3"))
            $0.required("created_at", \.createdAt, "When it was asked for.")
            $0.required("result", \.result, "How far it is. A job that makes a file has no rows and no bytes here.")
            $0.optional(
                "file", \.file, "The file that it makes; an import makes none.", isInExample: false)
        }
    }

    public struct JobFile: Body {
        public var profiles: Int64 = 0
        public var profilesExpected: Int64 = 0
        public var bytes: Int64 = 0
        public var fileExpiresAt: Timestamp?
        public init() {}

        public static let summary = "The file that a job makes, and how far it is."
        public static let members = Members<Self> {
            $0.required("profiles", \.profiles, "Profiles that are done.", .count(17))
            $0.required(
                "profiles_expected", \.profilesExpected, "About how many there are; 0: that is not known.", .count(20))
            $0.required("bytes", \.bytes, "Bytes that it takes on the server's disk so far.", .count(4711))
            $0.nullable("file_expires_at", \.fileExpiresAt, "Until when it is handed out; null: it is not there.")
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
    /// - Parameter section: its discriminator; nil: the job is about all of them.
    public init(_ job: OvationCore.Job, section: String?) {
        self.init()
        jobID = job.id.text
        kind = Bodies.JobKind(job.kind)
        if job.kind.makesFile { file = Bodies.JobFile(job) }
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

extension Bodies.JobFile {
    fileprivate init(_ job: OvationCore.Job) {
        self.init()
        profiles = job.counts.made
        profilesExpected = job.fileBytes
        bytes = job.place.reportBytes
        fileExpiresAt = job.fileExpiresAt
    }
}

extension Bodies.JobResult {
    init(_ job: OvationCore.Job) {
        self.init()
        status = Bodies.JobStatus(job.state)
        if !job.kind.makesFile {
            new = job.counts.made
            updated = job.counts.updated
            notChanged = job.counts.unchanged
            failed = job.counts.refused
            bytes = job.fileBytes
            bytesDone = job.place.bytes
        }
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
            case .profileExport: .export
            case .singleExport: .singleExport
            case .consentReport: .consentReport
            case .duplicateReport: .duplicateReport
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
