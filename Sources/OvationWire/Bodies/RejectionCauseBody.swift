public import OvationCore

extension Bodies.RejectionCause {
    public init(_ item: OvationCore.RejectionCauses.Item, in catalogue: Catalogue) {
        cause = item.cause.id.rawValue
        let section = catalogue.section(number: item.cause.section)
        subject.sectionDiscriminator = section?.discriminator.text ?? ""
        subject.code = item.cause.code.rawValue
        subject.itemCode = item.cause.itemCode?.rawValue
        subject.eventDiscriminator = item.cause.eventType
        subject.pointer = item.cause.pointer
        clientID = item.cause.clientID
        rejectionCount = Int64(item.rejections)
        eventCount = Int64(item.events)
        firstReceivedAt = item.first
        lastReceivedAt = item.last
        exampleID = String(item.newest)
    }
}

/// What became of some rejections of one cause, or would: `{passed, passed_event_count, failed, already_replayed, failures,
/// failures_omitted, remaining, through, next_after}`. A long replay is many of these, added up.
public struct ReplayReport: Sendable, Equatable {
    /// Why some failed again.
    public struct Failure: Sendable, Equatable {
        public let code: String
        public let itemCode: String?
        public let eventType: String?
        public fileprivate(set) var pointer: String
        public var count: Int
        /// The first of them, and its section.
        public let example: Rejection.ID
        public let section: String

        func isLike(_ other: Failure) -> Bool {
            (code, itemCode, eventType, pointer, section)
                == (other.code, other.itemCode, other.eventType, other.pointer, other.section)
        }
    }

    public var passed = 0
    public var passedEvents = 0
    public var failed = 0
    /// Somebody else replayed or dismissed them at the same time.
    public var closedMeanwhile = 0
    /// Of each kind of failure one, the most frequent first.
    public private(set) var failures: [Failure] = []
    /// Rejections that failed for reasons that are not listed.
    public private(set) var failuresOmitted = 0
    /// Open ones of the range that come after these.
    public var remaining = 0
    public var through: Rejection.ID = 0
    /// Where to go on; nil when all of the range is done.
    public var nextAfter: Rejection.ID?

    public init() {}

    /// Rejections that were looked at.
    public var looked: Int { passed + failed + closedMeanwhile }

    public mutating func fail(_ cause: RejectionCause, of rejection: Rejection.ID, in catalogue: Catalogue) {
        failed += 1
        let section = catalogue.section(number: cause.section)
        add(
            Failure(
                code: cause.code.rawValue, itemCode: cause.itemCode?.rawValue, eventType: cause.eventType,
                pointer: cause.pointer, count: 1, example: rejection, section: section?.discriminator.text ?? ""))
    }

    /// Adds the report of the step that followed.
    public mutating func add(_ next: ReplayReport) {
        passed += next.passed
        passedEvents += next.passedEvents
        failed += next.failed
        closedMeanwhile += next.closedMeanwhile
        for failure in next.failures { add(failure) }
        failuresOmitted += next.failuresOmitted
        (remaining, through, nextAfter) = (next.remaining, next.through, next.nextAfter)
    }

    /// Shows other places than those that are there, one for each failure.
    public mutating func show(_ pointers: [String]) {
        for (index, pointer) in zip(failures.indices, pointers) { failures[index].pointer = pointer }
    }

    private mutating func add(_ failure: Failure) {
        if let index = failures.firstIndex(where: failure.isLike) {
            failures[index].count += failure.count
        } else if failures.count < Limits.replayFailuresMax {
            failures.append(failure)
        } else {
            failuresOmitted += failure.count
        }
        failures.sort { ($1.count, $0.example) < ($0.count, $1.example) }
    }
}

extension Bodies.ReplayReport {
    public init(_ report: OvationWire.ReplayReport) {
        passed = Int64(report.passed)
        passedEventCount = Int64(report.passedEvents)
        failed = Int64(report.failed)
        alreadyReplayed = Int64(report.closedMeanwhile)
        failures = report.failures.map { Bodies.ReplayFailure($0) }
        failuresOmitted = Int64(report.failuresOmitted)
        remaining = Int64(report.remaining)
        through = String(report.through)
        nextAfter = report.nextAfter.map { String($0) }
    }
}

extension Bodies.ReplayFailure {
    public init(_ failure: OvationWire.ReplayReport.Failure) {
        subject.sectionDiscriminator = failure.section
        subject.code = failure.code
        subject.itemCode = failure.itemCode
        subject.eventDiscriminator = failure.eventType
        subject.pointer = failure.pointer
        count = Int64(failure.count)
        exampleID = String(failure.example)
    }
}

extension ReplayReport {
    /// - Parameter body: of an answer, or of a form that brought it back, which can say anything: a number that is not a
    ///   number of something counts as none.
    public init(_ body: Bodies.ReplayReport) {
        passed = ReplayReport.count(body.passed)
        passedEvents = ReplayReport.count(body.passedEventCount)
        failed = ReplayReport.count(body.failed)
        closedMeanwhile = ReplayReport.count(body.alreadyReplayed)
        failuresOmitted = ReplayReport.count(body.failuresOmitted)
        remaining = ReplayReport.count(body.remaining)
        through = VersionID.parse(body.through) ?? 0
        nextAfter = body.nextAfter.flatMap { VersionID.parse($0) }
        failures = body.failures.prefix(Limits.replayFailuresMax).compactMap { Failure($0) }
    }

    fileprivate static func count(_ number: Int64) -> Int { Int(min(max(number, 0), countMax)) }

    /// Sums of such numbers are numbers still.
    private static let countMax: Int64 = 1_000_000_000
}

extension ReplayReport.Failure {
    /// nil where it names no example.
    fileprivate init?(_ body: Bodies.ReplayFailure) {
        guard let example = VersionID.parse(body.exampleID) else { return nil }
        self.init(
            code: body.subject.code, itemCode: body.subject.itemCode, eventType: body.subject.eventDiscriminator,
            pointer: body.subject.pointer, count: ReplayReport.count(body.count), example: example,
            section: body.subject.sectionDiscriminator)
    }
}
