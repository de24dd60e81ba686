import HTTPTypes
import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `GET /console/profiles/{profile_id}`: a profile with its events and changes, newest first
enum ProfileTimeline {
    private static let pageSize = 25

    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let profile = try await ShownProfile(visit)
        let section = try await section(profile, visit)
        let query = try TimelineQuery(visit, section)
        let cursor = try visit.query("cursor")
        var events = Bodies.EventPage()
        if query.errors.isEmpty {
            events = try await visit.call(
                ListEvents.self, profile.path(section),
                query: query.api + [("limit", String(pageSize))] + (cursor.isEmpty ? [] : [("cursor", cursor)]))
        }
        let base = ConsolePath.profile(id: profile.id)
        let held = try await HeldFields(profile, section, visit)
        let keys = try await visit.keyNames()
        let page = ProfilePage(
            id: profile.id, name: held.name,
            keys: profile.keys.map { .init(keyspace: visit.keyspaceName($0.keyspace), key: visit.shown(key: $0.key)) },
            created: profile.created, members: profile.memberRows(visit), mergeHref: ProfileMerging.path(profile.id),
            held: held.shown,
            sections: visit.catalogue.sections.map {
                Link(
                    text: $0.name, href: ConsolePath.with(base, [("section", $0.discriminator.text)]),
                    selected: $0.discriminator == section.discriminator)
            },
            section: section.discriminator.text,
            summaryHref: ConsolePath.with(base + "/summary", query.page), types: query.choices(visit, section),
            from: query.from, to: query.to,
            items: try events.items.map { try item($0, profile, section, keys, visit) },
            olderHref: events.nextCursor.map { ConsolePath.with(base, query.page + [("cursor", $0)]) },
            isLaterPage: !cursor.isEmpty,
            clearHref: ConsolePath.with(base, [("section", section.discriminator.text)]), errors: query.errors)
        return await visit.page(
            page, area: .profiles, status: query.errors.isEmpty ? .ok : .badRequest)
    }

    /// Apart from the page, since to count a million events takes longer than to show a page of them.
    @Sendable static func summary(_ visit: Visit) async throws -> Response {
        let profile = try await ShownProfile(visit)
        let section = try await section(profile, visit)
        let query = try TimelineQuery(visit, section)
        let counts = try await visit.call(
            GetProfile.self, ["keyspace": profile.keys[0].keyspace, "key": profile.keys[0].key],
            query: [("ignore_keyspace_permissions", "true")])
        let days = try await visit.call(ListEventDays.self, profile.path(section), query: query.apiTypes)
        let own = counts.sections.first { $0.sectionDiscriminator == section.discriminator.text }
        let base = ConsolePath.profile(id: profile.id)
        let summary = ProfileSummary(
            total: Int(own?.eventCount ?? 0), lastSeen: counts.lastSeenAt.map { Moment($0) },
            eventTypes: (own?.events ?? []).map { item in
                let type = (try? Discriminator<EventType>(item.discriminator)).flatMap(visit.catalogue.eventType)
                return EventTypeCount(
                    name: type?.name ?? item.discriminator, discriminator: item.discriminator,
                    count: Int(item.eventCount),
                    href: ConsolePath.with(
                        base, [("section", section.discriminator.text), ("type", item.discriminator)]))
            }.sorted { ($1.count, $0.name) < ($0.count, $1.name) },
            days: strip(days.items) { date in
                ConsolePath.with(base, query.sectionAndTypes + [("from", date), ("to", date)])
            })
        if visit.isFromScript { return visit.fragment(summary) }
        let page = ProfileSummaryPage(
            key: visit.shown(key: profile.keys[0].key), summary: summary, back: ConsolePath.with(base, query.page))
        return await visit.page(page, area: .profiles)
    }

    /// The one that is asked for, or the first that has events or attributes.
    private static func section(_ profile: ShownProfile, _ visit: Visit) async throws -> Section {
        let text = try visit.query("section")
        if !text.isEmpty {
            guard let discriminator = try? Discriminator<Section>(text) else {
                throw Problem(.sectionNotFound, "There is no section \(text.quoted).")
            }
            return try visit.identity.section(discriminator)
        }
        for section in visit.catalogue.sections.prefix(20) {
            let events = try await visit.call(
                ListEvents.self, profile.path(section),
                query: [("limit", "1"), ("ignore_keyspace_permissions", "true")])
            if !events.items.isEmpty { return section }
            let held = try await visit.call(
                ListAttributeValues.self, profile.path(section), query: [("ignore_keyspace_permissions", "true")])
            if !held.items.isEmpty { return section }
        }
        return visit.catalogue.sections[0]
    }

    private static func item(
        _ item: Bodies.StoredEvent, _ profile: ShownProfile, _ section: Section, _ keys: [String: String],
        _ visit: Visit
    ) throws -> ProfilePage.Item {
        guard let version = item.versionID else {
            var change = Bodies.ProfileChange()
            (change.eventTime, change.eventDiscriminator) = (item.eventTime, item.discriminator)
            change.data = try Bodies.ProfileChangeData(json: item.data, at: "")
            return .init(ProfilePage.Change(id: item.id, ChangeList.change(change, keys, visit)))
        }
        return .init(event(item, version, profile, section, visit))
    }

    private static func event(
        _ item: Bodies.StoredEvent, _ version: String, _ profile: ShownProfile, _ section: Section, _ visit: Visit
    ) -> ProfilePage.Event {
        let found = VersionID.parse(version).flatMap(visit.catalogue.version)
        let values = (item.data.members ?? []).map { member in
            let field = found?.version.schema.fields.first { $0.name == member.name }
            let text = member.value.string ?? String(decoding: JSONWriter.write(member.value), as: UTF8.self)
            return ProfilePage.Value(
                field: member.name, type: field?.type.rawValue ?? "", value: profile.masked(text, visit))
        }
        return ProfilePage.Event(
            id: item.id, eventType: found?.eventType.name ?? item.discriminator,
            eventTypeHref: found.map { ConsolePath.eventType($0.eventType) } ?? ConsolePath.overview,
            versionID: version, time: Moment(item.eventTime), received: Moment(item.receivedAt),
            values: values, json: profile.masked(JSONWriter.writeIndented(item.data), visit),
            deleteHref: EventRemoval.path(profile: profile.id, section: section, event: item.id))
    }

    /// Every day of the last half year with events; days without any included.
    private static func strip(_ items: [Bodies.EventDay], href: (String) -> String) -> [ProfileSummary.Day] {
        let length = 26 * 7
        var counts: [Int64: Int] = [:]
        for item in items {
            guard let start = Timestamp(rfc3339: item.date + "T00:00:00Z") else { continue }
            counts[start.milliseconds / 86_400_000] = Int(item.eventCount)
        }
        guard let last = counts.keys.max() else { return [] }
        return (max(0, last - Int64(length) + 1)...last).map { day in
            let date = String(Timestamp(milliseconds: day * 86_400_000).rfc3339.prefix(10))
            return ProfileSummary.Day(date: date, count: counts[day] ?? 0, href: href(date))
        }
    }
}

/// The profile of the address, with its keys as they are: what a page shows of them goes through the mask.
struct ShownProfile: Sendable {
    let id: String
    let keys: [(keyspace: String, key: String)]
    let members: [Bodies.ProfileMember]
    let created: Moment

    init(_ visit: Visit) async throws {
        let asked = try visit.path.profileID().hex
        let profile = try await visit.call(GetProfileByID.self, ["profile_id": asked])
        id = profile.profileID
        members = profile.parts ?? []
        keys = profile.keys.map { ($0.keyspaceDiscriminator, $0.key) }
        created = Moment(profile.createdAt)
        guard !keys.isEmpty else { throw Problem(.profileNotFound, "The profile has no key any more.") }
    }

    func path(_ section: Section) -> KeyValuePairs<String, String> {
        ["keyspace": keys[0].keyspace, "key": keys[0].key, "section": section.discriminator.text]
    }

    func masked(_ text: String, _ visit: Visit) -> String {
        keys.reduce(text) { visit.masked($0, $1.key) }
    }
}

/// Which events the timeline shows, as the address says it and as the API is asked.
private struct TimelineQuery {
    let section: String
    let types: [String]
    let from: String
    let to: String
    private(set) var errors: [FormError] = []
    private var range: [(String, String)] = []

    init(_ visit: Visit, _ section: Section) throws(Problem) {
        self.section = section.discriminator.text
        let known = Set(
            visit.catalogue.eventTypes.filter { $0.section == section.discriminator }.map(\.discriminator.text))
        // Those of another section, left from before it was changed, say nothing here.
        types = try visit.queries("type").filter(known.contains)
        from = try visit.query("from")
        to = try visit.query("to")
        if let start = day(from, "from") { range.append(("from", start.rfc3339)) }
        // The last day of the year 9999 has no next one that RFC 3339 could write.
        if let end = day(to, "to"), end.milliseconds < 253_402_214_400_000 {
            range.append(("to", end.advanced(by: .seconds(86_400)).rfc3339))
        }
    }

    private mutating func day(_ text: String, _ control: String) -> Timestamp? {
        guard !text.isEmpty else { return nil }
        guard text.utf8.count == 10, let time = Timestamp(rfc3339: text + "T00:00:00Z") else {
            errors.append(FormError(control: control, message: "A day is written as 2026-11-23."))
            return nil
        }
        return time
    }

    var sectionAndTypes: [(String, String)] { [("section", section)] + types.map { ("type", $0) } }
    var page: [(String, String)] { sectionAndTypes + [("from", from), ("to", to)] }
    var apiTypes: [(String, String)] {
        types.map { ("event_discriminators", $0) } + [("ignore_keyspace_permissions", "true")]
    }
    /// Who looks for some event types does not look for changes.
    var api: [(String, String)] { apiTypes + range + (types.isEmpty ? [("include", "changes")] : []) }

    func choices(_ visit: Visit, _ section: Section) -> [Choice] {
        visit.catalogue.eventTypes.filter { $0.section == section.discriminator }.map {
            Choice(
                value: $0.discriminator.text, label: $0.name, hint: $0.discriminator.text,
                selected: types.contains($0.discriminator.text))
        }
    }
}

/// `/console/profiles/{profile_id}/sections/{section}/events/{id}/delete`
enum EventRemoval {
    static func path(profile: String, section: Section, event: String) -> String {
        ConsolePath.profile(id: profile) + "/sections/\(section.discriminator.text)/events/\(event)/delete"
    }

    @Sendable static func confirm(_ visit: Visit) async throws -> Response {
        let profile = try await ShownProfile(visit)
        let section = try visit.section()
        let id = try visit.path.eventID()
        let page = ConfirmPage(
            heading: "Delete event \(id)?",
            explanation: [
                "The event is removed from the profile of \(visit.shown(key: profile.keys[0].key)) and from the disk. "
                    + "This cannot be undone."
            ], consequences: ["The history will say that an event was deleted, and by whom; not whose it was."],
            action: path(profile: profile.id, section: section, event: String(id)), button: "Delete event",
            cancel: timeline(profile, section))
        return await visit.page(page, area: .profiles)
    }

    @Sendable static func post(_ visit: Visit) async throws -> Response {
        let profile = try await ShownProfile(visit)
        let section = try visit.section()
        let id = String(try visit.path.eventID())
        let (keyspace, key) = profile.keys[0]
        try await visit.act(
            DeleteEvent.self, ["keyspace": keyspace, "key": key, "section": section.discriminator.text, "id": id])
        return visit.redirect(to: timeline(profile, section), "Event \(id) is deleted.")
    }

    private static func timeline(_ profile: ShownProfile, _ section: Section) -> String {
        ConsolePath.with(ConsolePath.profile(id: profile.id), [("section", section.discriminator.text)])
    }
}
