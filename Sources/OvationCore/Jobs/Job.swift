/// Names a job: 32 hexadecimal digits in the form of a UUID. Chance gives it.
public struct JobID: Hashable, Sendable {
    public let text: String

    /// nil: the text is no such id.
    public init?(_ text: String) {
        guard ErasureID(text) != nil else { return nil }
        self.text = text
    }

    public init(using random: inout some RandomNumberGenerator) {
        text = ErasureID(using: &random).text
    }
}

/// Work that a server does beside its requests, step by step. Its rules are functions of this value: each gives the job as it
/// is afterwards, and a store keeps it if nobody else has changed it meanwhile (``JobStore/save(_:)``).
public struct Job: Sendable, Equatable {
    /// What stores keep. A word is never renamed.
    public enum Kind: String, Sendable, CaseIterable {
        /// Profiles from a file of CSV.
        case profileImport = "import"
        /// A file of all profiles, with what was asked for.
        case profileExport = "export"
        /// A file of all that is known of one profile.
        case singleExport = "single_export"
        /// A file of CSV: who may be written to.
        case consentReport = "consent_report"
        /// A file of CSV: profiles that share the value of an attribute.
        case duplicateReport = "duplicate_report"

        /// Whether it makes a file that is handed out for ``Limits/jobFileLifetime``. Otherwise it reads one.
        public var makesFile: Bool { self != .profileImport }
    }

    /// The words are the vendor's; it has no job that was cancelled.
    public enum State: String, Sendable, CaseIterable {
        case waitingForFile = "waiting_for_file"
        case queued
        case inProgress = "in_progress"
        case completed
        case failed = "error"
        case cancelled

        /// Nothing is done any more.
        public var isEnd: Bool {
            switch self {
            case .waitingForFile, .queued, .inProgress: false
            case .completed, .failed, .cancelled: true
            }
        }
    }

    /// How many rows had each outcome. A job that makes a file counts the profiles that are done as made.
    public struct Counts: Sendable, Equatable {
        /// Profiles that were made.
        public var made: Int64
        public var updated: Int64
        public var unchanged: Int64
        /// Rows that were refused.
        public var refused: Int64

        public init(made: Int64 = 0, updated: Int64 = 0, unchanged: Int64 = 0, refused: Int64 = 0) {
            self.made = made
            self.updated = updated
            self.unchanged = unchanged
            self.refused = refused
        }

        public var rows: Int64 { made + updated + unchanged + refused }

        public static func += (counts: inout Counts, more: Counts) {
            counts.made += more.made
            counts.updated += more.updated
            counts.unchanged += more.unchanged
            counts.refused += more.refused
        }
    }

    /// Up to where the file is done. An import that is interrupted goes on from there.
    public struct Place: Sendable, Equatable {
        /// Bytes of the file.
        public var bytes: Int64
        /// Line of the file, from 1, that the next row begins in.
        public var line: Int64
        /// Bytes of the report of refused rows, or of the file that the job makes.
        public var reportBytes: Int64

        public init(bytes: Int64 = 0, line: Int64 = 1, reportBytes: Int64 = 0) {
            self.bytes = bytes
            self.line = line
            self.reportBytes = reportBytes
        }
    }

    /// The server that works on a job, until another one may.
    public struct Lease: Sendable, Equatable {
        /// Names a process; chance gives it.
        public let owner: String
        public let until: Timestamp

        public init(owner: String, until: Timestamp) {
            self.owner = owner
            self.until = until
        }
    }

    /// Why a job failed as a whole.
    public struct Failure: Sendable, Equatable {
        public let code: Problem.Code
        public let detail: String

        public init(_ code: Problem.Code, _ detail: String) {
            self.code = code
            // It can quote what a caller sent, and no stored text has a NUL.
            self.detail = String(detail.filter { $0 != "\0" }).shortened(to: Limits.messageLengthMax)
        }
    }

    public let id: JobID
    public let account: Int64
    public let kind: Kind
    /// Number of the section in the account; 0: it is about all of them.
    public let section: Int64
    /// Client id of the API key that asked for it.
    public let actor: String
    public let createdAt: Timestamp
    /// What was asked for, as JSON. Empty in lists of jobs: it can be large, and nobody reads it there.
    public let request: [UInt8]
    /// SHA-256 of what lets the file be uploaded; empty for a job that reads none.
    public let uploadHash: [UInt8]
    public internal(set) var state: State
    /// While it waits for its file or its turn: when it fails. After its end: when it is removed. Otherwise without meaning.
    public internal(set) var expiresAt: Timestamp
    /// nil: it has not ended.
    public internal(set) var endedAt: Timestamp?
    public internal(set) var lease: Lease?
    /// 0 before the file is there. Of a job that makes a file: about how many profiles there are; 0: that is not known.
    public internal(set) var fileBytes: Int64
    public internal(set) var place: Place
    public internal(set) var counts: Counts
    public internal(set) var failure: Failure?
    /// How often it was saved. A store counts it.
    public let revision: Int64

    /// For a store.
    public init(
        id: JobID, account: Int64, kind: Kind, section: Int64, actor: String, createdAt: Timestamp, request: [UInt8],
        uploadHash: [UInt8], state: State, expiresAt: Timestamp, endedAt: Timestamp?, lease: Lease?, fileBytes: Int64,
        place: Place, counts: Counts, failure: Failure?, revision: Int64
    ) {
        self.id = id
        self.account = account
        self.kind = kind
        self.section = section
        self.actor = actor
        self.createdAt = createdAt
        self.request = request
        self.uploadHash = uploadHash
        self.state = state
        self.expiresAt = expiresAt
        self.endedAt = endedAt
        self.lease = lease
        self.fileBytes = fileBytes
        self.place = place
        self.counts = counts
        self.failure = failure
        self.revision = revision
    }

    /// A new one, which waits for its file.
    public init(
        _ id: JobID, _ kind: Kind, account: Int64, section: Int64, actor: String, at now: Timestamp, request: [UInt8],
        uploadHash: [UInt8]
    ) {
        self.init(
            id: id, account: account, kind: kind, section: section, actor: actor, createdAt: now, request: request,
            uploadHash: uploadHash, state: .waitingForFile,
            expiresAt: now.advanced(by: Limits.importUploadLifetime), endedAt: nil, lease: nil, fileBytes: 0,
            place: Place(), counts: Counts(), failure: nil, revision: 0)
    }

    /// A new one that makes a file, and waits for its turn.
    public init(
        making id: JobID, _ kind: Kind, account: Int64, section: Int64, actor: String, at now: Timestamp,
        request: [UInt8]
    ) {
        self.init(
            id: id, account: account, kind: kind, section: section, actor: actor, createdAt: now, request: request,
            uploadHash: [], state: .queued, expiresAt: now.advanced(by: Limits.jobPatience), endedAt: nil, lease: nil,
            fileBytes: 0, place: Place(), counts: Counts(), failure: nil, revision: 0)
    }
}

// MARK: - What becomes of it

extension Job {
    /// Its file is there. nil: it waits for none, or for none any more.
    public func received(bytes: Int64, at now: Timestamp) -> Job? {
        guard state == .waitingForFile, now < expiresAt else { return nil }
        var job = self
        job.state = .queued
        job.fileBytes = bytes
        job.expiresAt = now.advanced(by: Limits.jobPatience)
        return job
    }

    /// A server takes it, to begin or to go on. nil: it has nothing to do, or another server has it.
    public func taken(by owner: String, at now: Timestamp) -> Job? {
        switch state {
        case .queued: break
        case .inProgress: if let lease, lease.owner != owner, now < lease.until { return nil }
        case .waitingForFile, .completed, .failed, .cancelled: return nil
        }
        var job = self
        job.state = .inProgress
        job.lease = Lease(owner: owner, until: now.advanced(by: Limits.jobLease))
        return job
    }

    /// Some of it is done. The lease begins anew.
    public func progressed(to place: Place, _ counts: Counts, at now: Timestamp) -> Job {
        var job = self
        job.place = place
        job.counts = counts
        if let lease { job.lease = Lease(owner: lease.owner, until: now.advanced(by: Limits.jobLease)) }
        return job
    }

    /// The same of a job that makes a file.
    /// - Parameters:
    ///   - profiles: those that are done.
    ///   - about: how many there are, about; 0: that is not known.
    ///   - bytes: of the file.
    public func progressed(profiles: Int64, of about: Int64, bytes: Int64, at now: Timestamp) -> Job {
        var job = progressed(to: Place(reportBytes: bytes), Counts(made: profiles), at: now)
        job.fileBytes = about
        return job
    }

    /// Until when the file that it made is handed out; nil: there is none.
    public var fileExpiresAt: Timestamp? {
        guard kind.makesFile, state == .completed else { return nil }
        return endedAt?.advanced(by: Limits.jobFileLifetime)
    }

    /// It ends, well or with a failure.
    public func ended(_ failure: Failure? = nil, at now: Timestamp) -> Job {
        end(failure == nil ? .completed : .failed, failure, at: now)
    }

    /// Nothing more of it is done; what is done stays. nil: it has ended.
    public func cancelled(at now: Timestamp) -> Job? { state.isEnd ? nil : end(.cancelled, nil, at: now) }

    /// It has waited too long. nil: it has not.
    public func expired(at now: Timestamp) -> Job? {
        // A server may have gone with the file.
        if state == .inProgress, let lease, now >= lease.until.advanced(by: Limits.jobPatience) {
            return ended(
                kind.makesFile
                    ? Failure(.jobFailed, "No server has gone on with it; ask for it again.")
                    : Failure(.uploadExpired, "No server that has the file has gone on with it; ask for a new import."),
                at: now)
        }
        guard now >= expiresAt else { return nil }
        switch state {
        case .waitingForFile:
            return ended(Failure(.uploadExpired, "The file did not come in time; ask for a new import."), at: now)
        case .queued:
            return ended(
                kind.makesFile
                    ? Failure(.jobFailed, "No server has begun with it in time; ask for it again.")
                    : Failure(.uploadExpired, "No server that has the file has begun with it; ask for a new import."),
                at: now)
        case .inProgress, .completed, .failed, .cancelled: return nil
        }
    }

    private func end(_ state: State, _ failure: Failure?, at now: Timestamp) -> Job {
        var job = self
        job.state = state
        job.failure = failure
        job.endedAt = now
        job.lease = nil
        job.expiresAt = now.advanced(by: Limits.jobAge)
        return job
    }
}
