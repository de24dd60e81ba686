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
        let answer = try await visit.call(.listRejectionCauses, query: query.api + [("limit", "50")])
        let items = answer["items"]?.array ?? []
        var rows: [RejectionCausesPage.Row] = []
        for item in items { rows.append(try await row(item, visit)) }
        let page = RejectionCausesPage(
            isOn: limits.rejectionsMax > 0, retention: query.retention(limits),
            filter: query.form(visit, codes: items.compactMap { $0["code"]?.string }), rows: rows,
            rejections: answer["rejection_count"]?.int ?? 0, omitted: answer["causes_omitted"]?.int ?? 0)
        return await visit.page(page, area: .rejections)
    }

    @Sendable static func one(_ visit: Visit) async throws -> Response {
        let cause = try visit.path.rejectionCause().rawValue
        let item = try await visit.call(.getRejectionCause, ["cause": cause])
        let before = try visit.query("before")
        let answer = try await visit.call(
            .listAllRejections,
            query: [("cause", cause), ("state", "open"), ("before", before), ("limit", "50")])
        let page = RejectionCausePage(
            summary: try await row(item, visit),
            rows: (answer["items"]?.array ?? []).map { rejection($0, visit) },
            olderHref: answer["next_before"]?.string.map {
                ConsolePath.with(ConsolePath.rejectionCause(cause), [("before", $0)])
            })
        return await visit.page(page, area: .rejections)
    }

    private static func row(_ item: JSONValue, _ visit: Visit) async throws -> RejectionCausesPage.Row {
        RejectionCausesPage.Row(
            cause: try await visit.cause(item), rejections: item["rejection_count"]?.int ?? 0,
            events: item["event_count"]?.int ?? 0, first: Moment(item["first_received_at"]) ?? Moment(iso: ""),
            last: Moment(item["last_received_at"]) ?? Moment(iso: ""),
            href: ConsolePath.rejectionCause(item["cause"]?.string ?? ""))
    }

    private static func rejection(_ item: JSONValue, _ visit: Visit) -> RejectionCausePage.Row {
        let key = item["profile_key"]?.string ?? ""
        let errors = item["errors"]?.array ?? []
        return RejectionCausePage.Row(
            at: Moment(item["received_at"]) ?? Moment(iso: ""),
            href: ConsolePath.rejection(
                section: item["section_discriminator"]?.string ?? "", id: item["id"]?.string ?? ""),
            keyspace: visit.keyspaceName(item["keyspace_discriminator"]?.string), key: visit.shown(key: key),
            place: visit.masked(errors.first?["pointer"]?.string ?? "", key),
            events: item["event_count"]?.int.flatMap { $0 > 0 ? $0 : nil }, errors: errors.count)
    }
}

extension Visit {
    /// A cause, or the reason of a failure, as a page shows it.
    func cause(_ item: JSONValue) async throws -> CauseText {
        let section = item["section_discriminator"]?.string ?? ""
        let type = item["event_discriminator"]?.string
        let code = item["code"]?.string ?? ""
        let itemCode = item["item_code"]?.string
        let pointer = try await masked(
            item["pointer"]?.string ?? "", ofExample: item["example_id"]?.string ?? "", section)
        return CauseText(
            code: itemCode ?? code, outerCode: itemCode == nil ? nil : code,
            pointer: pointer.isEmpty ? nil : pointer,
            eventType: type.map { text in
                (try? Discriminator<EventType>(text)).flatMap(catalogue.eventType)?.name ?? text
            },
            section: (try? Discriminator<Section>(section)).flatMap(catalogue.section)?.name ?? section,
            client: item["client_id"]?.string.map(keyName) ?? "")
    }

    /// Somebody may have written his key where the name of a field belongs.
    func masked(_ pointer: String, ofExample id: String, _ section: String) async throws -> String {
        guard session.isMasked, !pointer.isEmpty else { return pointer }
        guard let example = try? await call(.getRejection, ["section": section, "id": id]) else { return "…" }
        return masked(pointer, example["profile_key"]?.string ?? "")
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
                .dismissRejectionCause, ["cause": cause], query: [("through", visit.form["through"])])
            let count = answer["dismissed"]?.int ?? 0
            dismissed += count
            // Whatever is left without one that could be removed is somebody else's now.
            remaining = count == 0 ? 0 : answer["remaining"]?.int ?? 0
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
        var report = (try? JSONValue(parsing: visit.form["report"])).map { ReplayReport($0) } ?? ReplayReport()
        report.nextAfter = VersionID.parse(visit.form["after"])
        report.through = VersionID.parse(visit.form["through"]) ?? 0
        return report
    }

    private static func go(on report: inout ReplayReport, _ visit: Visit, isCheckOnly: Bool) async throws {
        let cause = try visit.path.rejectionCause().rawValue
        for _ in 0..<stepsAtOnce {
            let answer = try await visit.call(
                .replayRejectionCause, ["cause": cause],
                query: [
                    ("after", report.nextAfter.map { String($0) } ?? ""),
                    ("through", report.through > 0 ? String(report.through) : ""),
                ], headers: isCheckOnly ? [.prefer: "validate-only"] : [:])
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
        for failure in report.json["failures"]?.array ?? [] {
            failures.append(
                CauseActPage.Failure(
                    cause: try await visit.cause(failure), count: failure["count"]?.int ?? 0,
                    href: ConsolePath.rejection(
                        section: failure["section_discriminator"]?.string ?? "",
                        id: failure["example_id"]?.string ?? "")))
        }
        let page = CauseActPage(
            cause: try await text(of: cause, visit), isDismissal: isDismissal, phase: phase,
            // Where nothing is left of it, there is no page of it.
            causeHref: href, action: href + (isDismissal ? "/dismiss" : "/replay"),
            through: report.through > 0 ? String(report.through) : "",
            after: report.nextAfter.map { String($0) } ?? "",
            report: String(decoding: JSONWriter.write(report.json), as: UTF8.self), passed: report.passed,
            events: report.passedEvents, failed: report.failed, closed: report.closedMeanwhile,
            total: report.looked + report.remaining, failures: failures, failuresOmitted: report.failuresOmitted)
        return await visit.page(page, area: .rejections)
    }

    /// Of one that has no open rejections any more nothing is known.
    private static func text(of cause: String, _ visit: Visit) async throws -> CauseText {
        do {
            return try await visit.cause(try await visit.call(.getRejectionCause, ["cause": cause]))
        } catch let problem as Problem where problem.code == .rejectionCauseNotFound {
            return CauseText(code: "", outerCode: nil, pointer: nil, eventType: nil, section: "", client: "")
        }
    }
}
