public import OvationCore

/// A profile as the wire shows it: `{profile_id, keys: [{keyspace_discriminator, key}], created_at}`, and where the
/// events were counted `last_seen_at`, `event_count` and `sections`.
public enum ProfileBody {
    public static func members(_ profile: Profile, in catalogue: Catalogue) -> [JSONValue.Member] {
        let keys = profile.keys.map { key -> JSONValue in
            let keyspace = catalogue.keyspace(number: key.keyspace)
            return .object([
                .init("keyspace_discriminator", .string(keyspace?.discriminator.text ?? "")),
                .init("key", .string(key.text)),
            ])
        }
        return [
            .init("profile_id", .string(profile.id.hex)), .init("keys", .array(keys)),
            .init("created_at", .string(profile.createdAt.rfc3339)),
        ]
    }

    /// - Parameter isVisible: whether the caller may know of events of a type.
    public static func members(
        _ counts: ProfileCounts, in catalogue: Catalogue, where isVisible: (EventType) -> Bool
    ) -> [JSONValue.Member] {
        var totals: [Discriminator<EventType>: (events: Int64, newest: Timestamp)] = [:]
        var isWhole = true
        for count in counts.counts {
            guard let eventType = catalogue.version(count.version)?.eventType, isVisible(eventType) else {
                isWhole = false
                continue
            }
            let total = totals[eventType.discriminator] ?? (0, count.newest)
            totals[eventType.discriminator] = (total.events + count.events, max(total.newest, count.newest))
        }
        let sections = catalogue.sections.compactMap { section -> JSONValue? in
            let types = catalogue.eventTypes.filter { $0.section == section.discriminator }
            let items = types.compactMap { type in totals[type.discriminator].map { (type, $0) } }
            guard !items.isEmpty else { return nil }
            return .object([
                .init("section_discriminator", .string(section.discriminator.text)),
                .init("event_count", JSONValue(items.reduce(0) { $0 + Int($1.1.events) })),
                .init(
                    "events",
                    .array(
                        items.map { type, total in
                            .object([
                                .init("discriminator", .string(type.discriminator.text)),
                                .init("event_count", JSONValue(Int(total.events))),
                                .init("newest_event_time", .string(total.newest.rfc3339)),
                            ])
                        })),
            ])
        }
        return [
            // Of all events: it would tell of those that the caller may not see.
            .init("last_seen_at", isWhole ? counts.lastSeenAt.map { .string($0.rfc3339) } ?? .null : .null),
            .init("event_count", JSONValue(totals.values.reduce(0) { $0 + Int($1.events) })),
            .init("sections", .array(sections)),
        ]
    }
}
