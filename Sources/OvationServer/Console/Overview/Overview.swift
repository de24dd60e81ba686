import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console`
enum Overview {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let activity = try await visit.call(.getActivity)
        let refusals = try await visit.call(.listAllRejections, query: [("state", "open"), ("limit", "5")])
        let stored = activity["events_stored"]?.int ?? 0
        let traffic = traffic(activity)
        let open = (refusals["items"]?.array ?? []).map { refusal($0, visit) }
        let page = OverviewPage(
            traffic: traffic,
            eventTypes: (activity["events"]?.array ?? []).map { eventType($0, visit) }.filter { $0.count > 0 },
            health: health(activity, stored, visit),
            serverErrors: (activity["failures"]?.array ?? []).map(serverError),
            refusals: open, keepsRefusals: visit.console.limits.rejectionsMax > 0,
            steps: try await steps(stored: stored, visit), isEmpty: stored == 0 && traffic.isEmpty && open.isEmpty)
        return await visit.page(page, area: .overview)
    }

    private static func traffic(_ activity: JSONValue) -> OverviewPage.Traffic {
        let minutes = activity["minutes"]?.array ?? []
        func counts(_ name: String) -> [Int] { minutes.map { $0[name]?.int ?? 0 } }
        let start = minutes.first?["at"]?.string.flatMap { Timestamp(rfc3339: $0) } ?? Timestamp(milliseconds: 0)
        let since = activity["counted_since"]?.string.flatMap { Timestamp(rfc3339: $0) }
        return OverviewPage.Traffic(
            accepted: counts("accepted"), refused: counts("refused"), duplicates: counts("duplicate"),
            from: Moment(start), until: Moment(start.advanced(by: .seconds(minutes.count * 60))),
            since: since.flatMap { $0 > start ? Moment($0) : nil })
    }

    private static func eventType(_ item: JSONValue, _ visit: Visit) -> EventTypeCount {
        let discriminator = item["discriminator"]?.string ?? ""
        let type = (try? Discriminator<EventType>(discriminator)).flatMap(visit.catalogue.eventType)
        return EventTypeCount(
            name: item["name"]?.string ?? "", discriminator: discriminator, count: item["event_count"]?.int ?? 0,
            href: type.map(ConsolePath.eventType), isRemoved: type?.removedAt != nil)
    }

    private static func health(_ activity: JSONValue, _ stored: Int, _ visit: Visit) -> OverviewPage.Health {
        func bound(_ name: String) -> String {
            guard case .number(let text)? = activity["commits"]?[name], let seconds = Double(text) else {
                return "no commit since the start"
            }
            return seconds < 0.001 ? "under \(Int(seconds * 1_000_000)) µs" : "under \(Int(seconds * 1000)) ms"
        }
        let started = activity["started_at"]?.string.flatMap { Timestamp(rfc3339: $0) } ?? visit.now
        return OverviewPage.Health(
            commitMedian: bound("median_seconds"), commitP99: bound("p99_seconds"),
            storeSize: Text.bytes(activity["store_bytes"]?.int ?? 0), eventsStored: stored,
            postsWaiting: activity["posts_waiting"]?.int ?? 0,
            uptime: Text.duration(seconds: Int(visit.now.milliseconds - started.milliseconds) / 1000),
            version: visit.console.version, region: visit.console.region)
    }

    private static func serverError(_ item: JSONValue) -> OverviewPage.ServerError {
        OverviewPage.ServerError(
            at: Moment(item["at"]) ?? Moment(iso: ""), endpoint: item["endpoint"]?.string ?? "",
            code: item["code"]?.string ?? "", detail: item["detail"]?.string ?? "",
            requestID: item["request_id"]?.string ?? "")
    }

    private static func refusal(_ item: JSONValue, _ visit: Visit) -> OverviewPage.Refusal {
        OverviewPage.Refusal(
            at: Moment(item["received_at"]) ?? Moment(iso: ""), what: item["code"]?.string ?? "",
            detail: visit.masked(item["detail"]?.string ?? "", item["profile_key"]?.string ?? ""),
            href: ConsolePath.rejection(
                section: item["section_discriminator"]?.string ?? "", id: item["id"]?.string ?? ""))
    }

    // MARK: The article's steps

    private static func steps(stored: Int, _ visit: Visit) async throws -> [OverviewPage.Step] {
        let catalogue = visit.catalogue
        // The newest of each is what somebody made to try these steps; both come in the order in which they were made.
        let type = catalogue.eventTypes.last { $0.removedAt == nil && $0.currentVersion != nil }
        let draft = catalogue.eventTypes.last {
            $0.removedAt == nil && $0.currentVersion == nil && !$0.versions.isEmpty
        }
        let section =
            type.flatMap { catalogue.section($0.section) } ?? draft.flatMap { catalogue.section($0.section) }
            ?? catalogue.sections[catalogue.sections.count - 1]
        // Where there is only one, its name says nothing.
        let place = catalogue.sections.count > 1 ? " in the section ‘\(section.name)’" : ""
        let keys = try await visit.call(.listAPIKeys)["items"]?.array ?? []
        let hasOwnKey = keys.contains { $0["role"]?.string == "integration" && $0["revoked_at"] == .null }
        let create = OverviewPage.Step(
            heading: "Create a custom event",
            explanation: type == nil && draft != nil
                ? "‘\(draft?.name ?? "")’ has no current version. Publish one\(place)."
                : "Name it, say which fields it has, and which keyspaces may read and write it"
                    + (place.isEmpty ? "." : "; you do so\(place)."),
            link: (type ?? draft).map { Link(text: "Open ‘\($0.name)’", href: ConsolePath.eventType($0)) }
                ?? Link(text: "Create a custom event", href: ConsolePath.eventTypes(section.discriminator) + "/new"),
            done: type != nil)
        let key = OverviewPage.Step(
            heading: "Create an API key and fetch a token",
            explanation: "The page that shows the new key's secret has the command that fetches a token with it. "
                + "Paste it into a terminal; the token is good for 24 hours.",
            link: Link(text: "Create an API key", href: ConsolePath.keys + "/new"), done: hasOwnKey)
        let post = OverviewPage.Step(
            heading: "Post an event to a profile",
            explanation: type == nil
                ? "The page of the event type will have the command."
                : "In the same terminal. 204 means checked, stored and readable; then look at the profile of "
                    + "\(type.map { sampleKey(for: $0, visit) } ?? "").",
            command: type.flatMap { command(for: $0, visit) },
            link: Link(
                text: "Find the profile",
                href: ConsolePath.with(
                    "/console/profiles", [("key", type.map { sampleKey(for: $0, visit) } ?? "")])),
            done: stored > 0)
        return [create, key, post]
    }

    private static func command(for type: EventType, _ visit: Visit) -> String? {
        type.currentVersion.map { version in
            SampleCommands.post(
                baseURL: visit.baseURL, section: type.section.text,
                keyspace: visit.catalogue.sampleKeyspace(type.permissions), version: version.id,
                fields: version.schema.fields, eventTime: visit.now)
        }
    }

    private static func sampleKey(for type: EventType, _ visit: Visit) -> String {
        SampleCommands.sampleKey(visit.catalogue.sampleKeyspace(type.permissions)?.keyFormat ?? .email)
    }
}

/// Figures as people read them.
enum Text {
    static func bytes(_ count: Int) -> String {
        let units = ["kB", "MB", "GB", "TB"]
        guard count >= 1000 else { return "\(count) bytes" }
        var value = Double(count) / 1000
        var unit = 0
        while value >= 1000, unit < units.count - 1 {
            value /= 1000
            unit += 1
        }
        let tenths = Int((value * 10).rounded())
        return value < 100 ? "\(tenths / 10).\(tenths % 10) \(units[unit])" : "\(Int(value.rounded())) \(units[unit])"
    }

    static func duration(seconds: Int) -> String {
        switch seconds {
        case ..<60: "\(max(0, seconds)) s"
        case ..<3600: "\(seconds / 60) min"
        case ..<86_400: "\(seconds / 3600) h \(seconds % 3600 / 60) min"
        default: "\(seconds / 86_400) d \(seconds % 86_400 / 3600) h"
        }
    }

    static func count(_ number: Int, _ one: String, _ many: String) -> String {
        number == 1 ? "1 \(one)" : "\(number) \(many)"
    }
}
