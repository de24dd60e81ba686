import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console`
enum Overview {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let activity = try await visit.call(GetActivity.self)
        let refusals = try await visit.call(ListAllRejections.self, query: [("state", "open"), ("limit", "5")])
        let stored = Int(activity.eventsStored)
        let traffic = traffic(activity)
        let open = refusals.items.map { refusal($0, visit) }
        let page = OverviewPage(
            traffic: traffic, eventTypes: activity.events.map { eventType($0, visit) }.filter { $0.count > 0 },
            health: health(activity, visit), serverErrors: activity.failures.map(serverError),
            refusals: open, keepsRefusals: visit.console.limits.rejectionsMax > 0,
            steps: try await steps(stored: stored, visit), isEmpty: stored == 0 && traffic.isEmpty && open.isEmpty)
        return await visit.page(page, area: .overview)
    }

    private static func traffic(_ activity: Bodies.Activity) -> OverviewPage.Traffic {
        let minutes = activity.minutes
        func counts(_ kind: KeyPath<Bodies.ActivityCounts, Int64>) -> [Int] {
            minutes.map { Int($0.counts[keyPath: kind]) }
        }
        let start = minutes.first?.at ?? activity.countedSince
        return OverviewPage.Traffic(
            accepted: counts(\.accepted), refused: counts(\.refused), duplicates: counts(\.duplicate),
            from: Moment(start), until: Moment(start.advanced(by: .seconds(minutes.count * 60))),
            since: activity.countedSince > start ? Moment(activity.countedSince) : nil)
    }

    private static func eventType(_ item: Bodies.ActivityType, _ visit: Visit) -> EventTypeCount {
        let type = (try? Discriminator<EventType>(item.discriminator)).flatMap(visit.catalogue.eventType)
        return EventTypeCount(
            name: item.name, discriminator: item.discriminator, count: Int(item.eventCount),
            href: type.map(ConsolePath.eventType), isRemoved: type?.removedAt != nil)
    }

    private static func health(_ activity: Bodies.Activity, _ visit: Visit) -> OverviewPage.Health {
        func bound(_ seconds: Double?) -> String {
            guard let seconds else { return "no commit since the start" }
            return seconds < 0.001 ? "under \(Int(seconds * 1_000_000)) µs" : "under \(Int(seconds * 1000)) ms"
        }
        let uptime = visit.now.milliseconds - activity.startedAt.milliseconds
        return OverviewPage.Health(
            commitMedian: bound(activity.commits.medianSeconds), commitP99: bound(activity.commits.p99Seconds),
            storeSize: Text.bytes(Int(activity.storeBytes)), eventsStored: Int(activity.eventsStored),
            postsWaiting: Int(activity.postsWaiting), uptime: Text.duration(seconds: Int(uptime) / 1000),
            version: visit.console.version, region: visit.console.region)
    }

    private static func serverError(_ failure: Bodies.ActivityFailure) -> OverviewPage.ServerError {
        OverviewPage.ServerError(
            at: Moment(failure.at), endpoint: failure.endpoint, code: failure.code, detail: failure.detail,
            requestID: failure.requestID)
    }

    private static func refusal(_ rejection: Bodies.Rejection, _ visit: Visit) -> OverviewPage.Refusal {
        OverviewPage.Refusal(
            at: Moment(rejection.receivedAt), what: rejection.code,
            detail: visit.masked(rejection.detail, rejection.profileKey),
            href: ConsolePath.rejection(section: rejection.sectionDiscriminator, id: rejection.id))
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
        let keys = try await visit.call(ListAPIKeys.self).items
        let hasOwnKey = keys.contains { $0.rest.role == .integration && $0.rest.revokedAt == nil }
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
