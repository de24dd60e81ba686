import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// What the address of a list of rejections asks for.
struct RejectionQuery {
    let isList: Bool
    private let section: String
    private let state: String
    private let code: String
    private let itemCode: String
    private let eventType: String
    private let text: String

    init(_ visit: Visit) throws(Problem) {
        section = try visit.query("section")
        state = try visit.query("state")
        code = try visit.query("code")
        itemCode = try visit.query("item_code")
        eventType = try visit.query("event_type")
        text = try visit.query("q")
        // Only single rejections are searched, and only of them some are replayed.
        isList = try visit.query("view") == "list" || !state.isEmpty || !text.isEmpty
    }

    /// As the API is asked; what is empty is left out there.
    var api: [(String, String)] {
        let both = [
            ("section", section), ("code", code), ("item_code", itemCode), ("event_discriminator", eventType),
        ]
        return both + (isList ? [("state", state), ("q", text)] : [])
    }

    /// As the address of the page says it.
    var page: [(String, String)] { view + filters }

    private var view: [(String, String)] { isList ? [("view", "list")] : [] }

    private var filters: [(String, String)] {
        [
            ("section", section), ("event_type", eventType), ("state", state), ("code", code),
            ("item_code", itemCode), ("q", text),
        ]
    }

    /// - Parameter codes: that occur.
    func form(_ visit: Visit, codes: [String]) -> RejectionFilterForm {
        let shared = [("section", section), ("event_type", eventType), ("code", code), ("item_code", itemCode)]
        func choices(_ values: [String], _ selected: String) -> [Choice] {
            Set(values + (selected.isEmpty ? [] : [selected])).sorted().map {
                Choice(value: $0, label: $0, selected: $0 == selected)
            }
        }
        let types = visit.catalogue.eventTypes.filter { section.isEmpty || $0.section.text == section }
            .prefix(RejectionQuery.typesMax)
        var eventTypes = types.map {
            Choice(value: $0.discriminator.text, label: $0.name, selected: $0.discriminator.text == eventType)
        }
        if !eventType.isEmpty, !eventTypes.contains(where: \.selected) {
            eventTypes.append(Choice(value: eventType, label: eventType, selected: true))
        }
        return RejectionFilterForm(
            views: [
                Link(
                    text: "By cause", href: ConsolePath.with(ConsolePath.rejections, shared), selected: !isList),
                Link(
                    text: "One by one",
                    href: ConsolePath.with(ConsolePath.rejections, [("view", "list")] + shared), selected: isList),
            ], isList: isList,
            sections: visit.catalogue.sections.map {
                Choice(value: $0.discriminator.text, label: $0.name, selected: $0.discriminator.text == section)
            }, codes: choices(codes, code), itemCodes: choices(CauseText.itemCodes, itemCode),
            eventTypes: eventTypes.sorted { ($0.label, $0.value) < ($1.label, $1.value) }, state: state, query: text,
            isFiltered: filters.contains { !$0.1.isEmpty },
            clearHref: ConsolePath.with(ConsolePath.rejections, view))
    }

    /// Options of a select, so that a page stays small; others are named in the address.
    private static let typesMax = 200

    func retention(_ limits: Limits) -> String {
        let days = Int(limits.rejectionAge.components.seconds / 86_400)
        return "The last \(limits.rejectionsMax) refused posts are kept, for "
            + Text.count(days, "day", "days") + " at most."
    }
}

/// `GET /console/rejections`, and `GET /console/rejections/causes/{cause}`
enum RejectionCauseList {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let query = try RejectionQuery(visit)
        guard !query.isList else { return try await RejectionList.show(visit, query) }
        let limits = visit.console.limits
        let answer = try await visit.call(ListRejectionCauses.self, query: query.api + [("limit", "50")])
        var rows: [RejectionCausesPage.Row] = []
        for item in answer.items { rows.append(try await row(item, visit)) }
        let page = RejectionCausesPage(
            isOn: limits.rejectionsMax > 0, retention: query.retention(limits),
            filter: query.form(visit, codes: answer.items.map(\.subject.code)), rows: rows,
            rejections: Int(answer.rejectionCount), omitted: Int(answer.causesOmitted))
        return await visit.page(page, area: .rejections)
    }

    @Sendable static func one(_ visit: Visit) async throws -> Response {
        let cause = try visit.path.rejectionCause().rawValue
        let item = try await visit.call(GetRejectionCause.self, ["cause": cause])
        let before = try visit.query("before")
        let answer = try await visit.call(
            ListAllRejections.self,
            query: [("cause", cause), ("state", "open"), ("before", before), ("limit", "50")])
        let page = RejectionCausePage(
            summary: try await row(item, visit),
            rows: answer.items.map { rejection($0, visit) },
            olderHref: answer.nextBefore.map {
                ConsolePath.with(ConsolePath.rejectionCause(cause), [("before", $0)])
            })
        return await visit.page(page, area: .rejections)
    }

    private static func row(_ item: Bodies.RejectionCause, _ visit: Visit) async throws -> RejectionCausesPage.Row {
        RejectionCausesPage.Row(
            cause: try await visit.cause(item), rejections: Int(item.rejectionCount), events: Int(item.eventCount),
            first: Moment(item.firstReceivedAt), last: Moment(item.lastReceivedAt),
            href: ConsolePath.rejectionCause(item.cause))
    }

    private static func rejection(_ item: Bodies.Rejection, _ visit: Visit) -> RejectionCausePage.Row {
        RejectionCausePage.Row(
            at: Moment(item.receivedAt),
            href: ConsolePath.rejection(section: item.sectionDiscriminator, id: item.id),
            keyspace: visit.keyspaceName(item.keyspaceDiscriminator), key: visit.shown(key: item.profileKey),
            place: visit.masked(item.errors.first?.pointer ?? "", item.profileKey), events: item.knownEvents,
            errors: item.errors.count)
    }
}

extension Bodies.Rejection {
    /// How many events it has; nil where its body could not be read that far.
    var knownEvents: Int? { eventCount > 0 ? Int(eventCount) : nil }
}

extension Visit {
    func cause(_ item: Bodies.RejectionCause) async throws -> CauseText {
        try await cause(item.subject, example: item.exampleID, client: keyName(item.clientID))
    }

    /// A cause, or the reason of a failure, as a page shows it.
    func cause(_ subject: Bodies.CauseSubject, example: String, client: String = "") async throws -> CauseText {
        let pointer = try await masked(subject.pointer, ofExample: example, subject.sectionDiscriminator)
        return CauseText(
            code: subject.itemCode ?? subject.code, outerCode: subject.itemCode == nil ? nil : subject.code,
            pointer: pointer.isEmpty ? nil : pointer,
            eventType: subject.eventDiscriminator.map { text in
                (try? Discriminator<EventType>(text)).flatMap(catalogue.eventType)?.name ?? text
            },
            section: (try? Discriminator<Section>(subject.sectionDiscriminator)).flatMap(catalogue.section)?.name
                ?? subject.sectionDiscriminator, client: client)
    }

    /// Somebody may have written his key where the name of a field belongs.
    func masked(_ pointer: String, ofExample id: String, _ section: String) async throws -> String {
        guard session.isMasked, !pointer.isEmpty else { return pointer }
        guard let example = try? await call(GetRejection.self, ["section": section, "id": id]) else { return "…" }
        return masked(pointer, example.rejection.profileKey)
    }
}

/// `/console/rejections/causes/{cause}/replay` and `…/dismiss`: first what would happen, then it happens, step by step
enum CauseActs {
    /// Steps of the API that one request of the console takes.
    private static let stepsAtOnce = 5

    @Sendable static func previewReplay(_ visit: Visit) async throws -> Response {
        try await preview(visit, isDismissal: false)
    }

    @Sendable static func previewDismissal(_ visit: Visit) async throws -> Response {
        try await preview(visit, isDismissal: true)
    }

    @Sendable static func replay(_ visit: Visit) async throws -> Response {
        guard visit.form["action"] == "run" else { return try await preview(visit, isDismissal: false) }
        var report = report(visit)
        try await go(on: &report, visit, isCheckOnly: false)
        return try await show(report, report.nextAfter == nil ? .done : .running, isDismissal: false, visit)
    }

    @Sendable static func dismiss(_ visit: Visit) async throws -> Response {
        guard visit.form["action"] == "run" else { return try await preview(visit, isDismissal: true) }
        let cause = try visit.path.rejectionCause().rawValue
        var (dismissed, remaining) = (0, 0)
        repeat {
            let answer = try await visit.call(
                DismissRejectionCause.self, ["cause": cause], query: [("through", visit.form["through"])])
            dismissed += Int(answer.dismissed)
            // Whatever is left without one that could be removed is somebody else's now.
            remaining = answer.dismissed == 0 ? 0 : Int(answer.remaining)
        } while remaining > 0
        return visit.redirect(
            to: ConsolePath.rejections,
            dismissed == 1 ? "1 rejection is dismissed." : "\(dismissed) rejections are dismissed.")
    }

    private static func preview(_ visit: Visit, isDismissal: Bool) async throws -> Response {
        var report = report(visit)
        try await go(on: &report, visit, isCheckOnly: true)
        return try await show(report, .preview, isDismissal: isDismissal, visit)
    }

    /// What the form brought back; nothing at the beginning.
    private static func report(_ visit: Visit) -> ReplayReport {
        let given = try? Bodies.ReplayReport(json: JSONValue(parsing: visit.form["report"]))
        var report = given.map { ReplayReport($0) } ?? ReplayReport()
        report.nextAfter = VersionID.parse(visit.form["after"])
        report.through = VersionID.parse(visit.form["through"]) ?? 0
        return report
    }

    private static func go(on report: inout ReplayReport, _ visit: Visit, isCheckOnly: Bool) async throws {
        let cause = try visit.path.rejectionCause().rawValue
        for _ in 0..<stepsAtOnce {
            let answer = try await visit.call(
                ReplayRejectionCause.self, ["cause": cause],
                query: [
                    ("after", report.nextAfter.map { String($0) } ?? ""),
                    ("through", report.through > 0 ? String(report.through) : ""),
                ], headers: isCheckOnly ? .validateOnly : [:])
            var step = ReplayReport(answer)
            var pointers: [String] = []
            for failure in step.failures {
                pointers.append(
                    try await visit.masked(
                        failure.pointer, ofExample: String(failure.example), failure.section))
            }
            step.show(pointers)
            report.add(step)
            if report.nextAfter == nil { return }
        }
    }

    private static func show(
        _ report: ReplayReport, _ phase: CauseActPage.Phase, isDismissal: Bool, _ visit: Visit
    ) async throws -> Response {
        let cause = try visit.path.rejectionCause().rawValue
        let href = ConsolePath.rejectionCause(cause)
        var failures: [CauseActPage.Failure] = []
        for failure in Bodies.ReplayReport(report).failures {
            failures.append(
                CauseActPage.Failure(
                    cause: try await visit.cause(failure.subject, example: failure.exampleID),
                    count: Int(failure.count),
                    href: ConsolePath.rejection(
                        section: failure.subject.sectionDiscriminator, id: failure.exampleID)))
        }
        let page = CauseActPage(
            cause: try await text(of: cause, visit), isDismissal: isDismissal, phase: phase,
            // Where nothing is left of it, there is no page of it.
            causeHref: href, action: href + (isDismissal ? "/dismiss" : "/replay"),
            through: report.through > 0 ? String(report.through) : "",
            after: report.nextAfter.map { String($0) } ?? "",
            report: String(decoding: JSONWriter.write(Bodies.ReplayReport(report).json), as: UTF8.self),
            passed: report.passed,
            events: report.passedEvents, failed: report.failed, closed: report.closedMeanwhile,
            total: report.looked + report.remaining, failures: failures, failuresOmitted: report.failuresOmitted)
        return await visit.page(page, area: .rejections)
    }

    /// Of one that has no open rejections any more nothing is known.
    private static func text(of cause: String, _ visit: Visit) async throws -> CauseText {
        do {
            return try await visit.cause(try await visit.call(GetRejectionCause.self, ["cause": cause]))
        } catch let problem as Problem where problem.code == .rejectionCauseNotFound {
            return CauseText(code: "", outerCode: nil, pointer: nil, eventType: nil, section: "", client: "")
        }
    }
}
