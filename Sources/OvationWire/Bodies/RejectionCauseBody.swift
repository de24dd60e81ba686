public import OvationCore

/// A cause of rejections as the wire shows it: `{cause, section_discriminator, code, item_code, event_discriminator, pointer,
/// client_id, rejection_count, event_count, first_received_at, last_received_at, example_id}`.
public enum RejectionCauseBody {
    public static func json(_ item: RejectionCauses.Item, in catalogue: Catalogue) -> JSONValue {
        .object(
            [.init("cause", .string(item.cause.id.rawValue))] + members(of: item.cause, in: catalogue) + [
                .init("client_id", .string(item.cause.clientID)),
                .init("rejection_count", JSONValue(item.rejections)),
                .init("event_count", JSONValue(item.events)),
                .init("first_received_at", .string(item.first.rfc3339)),
                .init("last_received_at", .string(item.last.rfc3339)),
                .init("example_id", .string(String(item.newest))),
            ])
    }

    static func members(of cause: RejectionCause, in catalogue: Catalogue) -> [JSONValue.Member] {
        let section = catalogue.section(number: cause.section)
        return [
            .init("section_discriminator", .string(section?.discriminator.text ?? "")),
            .init("code", .string(cause.code.rawValue)),
            .init("item_code", cause.itemCode.map { .string($0.rawValue) } ?? .null),
            .init("event_discriminator", cause.eventType.map { .string($0) } ?? .null),
            .init("pointer", .string(cause.pointer)),
        ]
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

extension ReplayReport {
    public var json: JSONValue {
        .object([
            .init("passed", JSONValue(passed)), .init("passed_event_count", JSONValue(passedEvents)),
            .init("failed", JSONValue(failed)), .init("already_replayed", JSONValue(closedMeanwhile)),
            .init("failures", .array(failures.map(\.json))),
            .init("failures_omitted", JSONValue(failuresOmitted)), .init("remaining", JSONValue(remaining)),
            .init("through", .string(String(through))),
            .init("next_after", nextAfter.map { .string(String($0)) } ?? .null),
        ])
    }

    /// Of one step, as a client read it.
    public init(_ step: Bodies.ReplayReport) {
        passed = Int(step.passed)
        passedEvents = Int(step.passedEventCount)
        failed = Int(step.failed)
        closedMeanwhile = Int(step.alreadyReplayed)
        failuresOmitted = Int(step.failuresOmitted)
        remaining = Int(step.remaining)
        through = VersionID.parse(step.through) ?? 0
        nextAfter = step.nextAfter.flatMap { VersionID.parse($0) }
        failures = step.failures.prefix(Limits.replayFailuresMax).map { failure in
            Failure(
                code: failure.subject.code, itemCode: failure.subject.itemCode,
                eventType: failure.subject.eventDiscriminator, pointer: failure.subject.pointer,
                count: Int(failure.count), example: VersionID.parse(failure.exampleID) ?? 0,
                section: failure.subject.sectionDiscriminator)
        }
    }

    /// What ``json`` wrote. What is missing is nothing, and what is not a number of something is none.
    public init(_ json: JSONValue) {
        func count(_ name: String) -> Int { min(max(json[name]?.int ?? 0, 0), ReplayReport.countMax) }
        passed = count("passed")
        passedEvents = count("passed_event_count")
        failed = count("failed")
        closedMeanwhile = count("already_replayed")
        failuresOmitted = count("failures_omitted")
        remaining = count("remaining")
        through = json["through"]?.string.flatMap { VersionID.parse($0) } ?? 0
        nextAfter = json["next_after"]?.string.flatMap { VersionID.parse($0) }
        for failure in (json["failures"]?.array ?? []).prefix(Limits.replayFailuresMax) {
            guard let example = failure["example_id"]?.string.flatMap({ VersionID.parse($0) }) else { continue }
            failures.append(
                Failure(
                    code: failure["code"]?.string ?? "", itemCode: failure["item_code"]?.string,
                    eventType: failure["event_discriminator"]?.string, pointer: failure["pointer"]?.string ?? "",
                    count: min(max(failure["count"]?.int ?? 0, 0), ReplayReport.countMax), example: example,
                    section: failure["section_discriminator"]?.string ?? ""))
        }
    }

    /// Sums of such numbers are numbers still.
    private static let countMax = 1_000_000_000
}

extension ReplayReport.Failure {
    fileprivate var json: JSONValue {
        .object([
            .init("section_discriminator", .string(section)), .init("code", .string(code)),
            .init("item_code", itemCode.map { .string($0) } ?? .null),
            .init("event_discriminator", eventType.map { .string($0) } ?? .null),
            .init("pointer", .string(pointer)), .init("count", JSONValue(count)),
            .init("example_id", .string(String(example))),
        ])
    }
}
