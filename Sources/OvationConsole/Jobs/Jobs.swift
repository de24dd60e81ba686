/// A job as pages show it.
public struct ShownJob: Sendable, Equatable {
    public enum State: Sendable, Equatable {
        case waitingForFile, queued, inProgress, completed, failed, cancelled
    }

    public let id: String
    /// Such as `Import`.
    public let kind: String
    /// Name of the section.
    public let section: String
    /// Name of the API key that asked for it.
    public let by: String
    public let at: Moment
    public let state: State
    /// Of 100; nil: it is not known.
    public let percent: Int?
    /// Rows by what became of them; nil: it is no job that has rows.
    public let rows: Rows?

    public struct Rows: Sendable, Equatable {
        public let new: Int
        public let updated: Int
        public let notChanged: Int
        public let refused: Int

        public init(new: Int, updated: Int, notChanged: Int, refused: Int) {
            self.new = new
            self.updated = updated
            self.notChanged = notChanged
            self.refused = refused
        }

        var facts: [Fact] {
            [
                Fact(name: "New profiles", number: new.grouped), Fact(name: "Updated", number: updated.grouped),
                Fact(name: "Not changed", number: notChanged.grouped), Fact(name: "Refused", number: refused.grouped),
            ]
        }

        var words: String {
            let parts = [(new, "new"), (updated, "updated"), (notChanged, "not changed"), (refused, "refused")]
            let shown = parts.filter { $0.0 > 0 }.map { "\($0.0.grouped) \($0.1)" }
            return shown.isEmpty ? "No rows yet" : shown.joined(separator: ", ")
        }
    }

    struct Fact: Sendable, Equatable {
        let name: String
        let number: String
    }

    let href: String
    let isOpen: Bool
    let stateWords: String
    let chip: String
    /// The length of its bar.
    let bar: String?
    let percentText: String
    let rowWords: String
    let facts: [Fact]

    public init(
        id: String, kind: String, section: String, by: String, at: Moment, state: State, percent: Int?, rows: Rows?
    ) {
        self.id = id
        self.kind = kind
        self.section = section
        self.by = by
        self.at = at
        self.state = state
        self.percent = percent
        self.rows = rows
        href = "/console/jobs/\(id)"
        (stateWords, chip, isOpen) =
            switch state {
            case .waitingForFile: ("Waits for its file", "waiting", true)
            case .queued: ("Waits for its turn", "waiting", true)
            case .inProgress: ("In progress", "current", true)
            case .completed: ("Completed", "good", false)
            case .failed: ("Failed", "off", false)
            case .cancelled: ("Cancelled", "", false)
            }
        bar = percent.map(String.init)
        percentText = percent.map { "\($0) %" } ?? ""
        rowWords = rows?.words ?? ""
        facts = rows?.facts ?? []
    }
}

/// `GET /console/jobs`
public struct JobsPage: ConsolePage {
    public static let template = "jobs"
    public var title: String { "Jobs" }

    public let rows: [ShownJob]
    /// nil: there is no section.
    public let exportsHref: String?
    /// Nil on the last page.
    public let olderHref: String?
    /// Of this page, which renews itself while a job of it goes on.
    public let href: String
    let isOpen: Bool

    public init(rows: [ShownJob], exportsHref: String?, olderHref: String?, href: String) {
        self.rows = rows
        self.exportsHref = exportsHref
        self.olderHref = olderHref
        self.href = href
        isOpen = rows.contains(where: \.isOpen)
    }
}

/// `GET /console/jobs/{job}`
public struct JobPage: ConsolePage {
    public static let template = "job"
    public var title: String { job.kind }

    /// A row of the file that was refused.
    public struct Refused: Sendable, Equatable {
        public let line: String
        /// Empty: the row as a whole.
        public let column: String
        public let reason: String

        public init(line: Int, column: String, reason: String) {
            self.line = line.grouped
            self.column = column
            self.reason = reason
        }
    }

    public let job: ShownJob
    /// nil: it has not ended.
    public let ended: Moment?
    /// Why it failed as a whole.
    public let failure: String?
    /// The first ones.
    public let refused: [Refused]
    /// nil: there is no report to download.
    public let reportHref: String?
    /// nil: there is no file to download.
    public let fileHref: String?
    /// nil: it has ended, and cannot be cancelled.
    public let cancelHref: String?
    /// What a reader is told who waits for the end.
    let outcome: String
    let refusedWords: String

    public init(
        job: ShownJob, ended: Moment?, failure: String?, refused: [Refused] = [], reportHref: String? = nil,
        fileHref: String? = nil, cancelHref: String?
    ) {
        self.job = job
        self.ended = ended
        self.failure = failure
        self.refused = refused
        self.reportHref = reportHref
        self.fileHref = fileHref
        self.cancelHref = cancelHref
        outcome = job.isOpen ? "" : job.stateWords + (job.rowWords.isEmpty ? "." : ": \(job.rowWords).")
        let count = job.rows?.refused ?? 0
        refusedWords =
            count > refused.count
            ? "The first \(refused.count) of \(count.counting("refused row"))" : count.counting("refused row")
    }
}
