import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/activity`: figures for a quick look. The store has counted the events in each of the last sixty
/// minutes, by outcome and by type, for all servers that share it. The duration of commits and the last failures are
/// those of this process; collect figures from `GET /metrics`.
struct GetActivity: EndpointHandler {
    let metrics: ServerMetrics
    let store: any Store
    let startedAt: Timestamp
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let last = Activity.minute(of: call.receivedAt)
        let minutes = last - Int64(Limits.activityMinutes) + 1...last
        let activity = try await store.activity(account: caller.key.account, in: minutes)
        let usage = try await store.usage(account: caller.key.account)
        let open = try await store.countOpenRejections(
            account: caller.key.account, from: call.receivedAt.advanced(by: .zero - limits.rejectionAge))
        let statistics = store.statistics()
        return .json(
            .object([
                .init("started_at", .string(startedAt.rfc3339)),
                .init("counted_since", .string(activity.since.rfc3339)),
                .init("minutes", .array(minutes.map { minute($0, activity.minutes[$0] ?? Activity.Counts()) })),
                .init("events", .array(types(activity.subjects, caller.catalogue))),
                .init("sections", .array(sections(activity.subjects, caller.catalogue))),
                .init(
                    "commits",
                    .object([
                        .init("count", JSONValue(statistics.commits)),
                        .init("median_seconds", number(statistics.commitQuantile(0.5))),
                        .init("p99_seconds", number(statistics.commitQuantile(0.99))),
                    ])),
                .init("events_stored", JSONValue(usage.reduce(0) { $0 + $1.events })),
                .init("open_rejections", JSONValue(open)),
                .init("posts_waiting", JSONValue(statistics.requestsWaiting)),
                .init("store_bytes", JSONValue(statistics.bytesOnDisk)),
                .init("failures", .array(metrics.current.failures.reversed().map(\.json))),
            ]), headers: [.cacheControl: "no-store"])
    }

    private func number(_ seconds: Double?) -> JSONValue { seconds.map { .number("\($0)") } ?? .null }

    private func minute(_ number: Int64, _ counts: Activity.Counts) -> JSONValue {
        .object([.init("at", .string(Timestamp(milliseconds: number * 60_000).rfc3339))] + members(counts))
    }

    /// Those with the most accepted events first. A removed event type still has its name.
    private func types(_ subjects: [Activity.Subject: Activity.Counts], _ catalogue: Catalogue) -> [JSONValue] {
        var byType: [Discriminator<EventType>: Activity.Counts] = [:]
        for case (.version(let id), let counts) in subjects {
            guard let type = catalogue.version(id)?.eventType else { continue }
            byType[type.discriminator, default: Activity.Counts()] += counts
        }
        return byType.sorted { ($1.value.accepted, $0.key) < ($0.value.accepted, $1.key) }.compactMap { entry in
            catalogue.eventType(entry.key).map { type in
                .object([
                    .init("section_discriminator", .string(type.section.text)),
                    .init("discriminator", .string(type.discriminator.text)), .init("name", .string(type.name)),
                    .init("event_count", JSONValue(entry.value.accepted)),
                    .init("refused", JSONValue(entry.value.refused)),
                    .init("duplicate", JSONValue(entry.value.duplicates)),
                ])
            }
        }
    }

    /// Includes events of refused posts that named no known version.
    private func sections(_ subjects: [Activity.Subject: Activity.Counts], _ catalogue: Catalogue) -> [JSONValue] {
        var bySection: [Discriminator<Section>: Activity.Counts] = [:]
        for (subject, counts) in subjects {
            let section =
                switch subject {
                case .version(let id): catalogue.version(id)?.eventType.section
                case .section(let number): catalogue.sections.first { $0.number == number }?.discriminator
                }
            if let section { bySection[section, default: Activity.Counts()] += counts }
        }
        return bySection.sorted { $0.key < $1.key }.map { section, counts in
            .object([.init("section_discriminator", .string(section.text))] + members(counts))
        }
    }

    private func members(_ counts: Activity.Counts) -> [JSONValue.Member] {
        [
            .init("accepted", JSONValue(counts.accepted)), .init("refused", JSONValue(counts.refused)),
            .init("duplicate", JSONValue(counts.duplicates)),
        ]
    }
}

extension ServerMetrics.Failure {
    fileprivate var json: JSONValue {
        .object([
            .init("at", .string(at.rfc3339)),
            .init("endpoint", .string(place)),
            .init("status", JSONValue(status)), .init("code", .string(problem.code.rawValue)),
            .init("detail", .string(problem.detail)), .init("request_id", .string(requestID)),
        ])
    }
}

extension StoreStatistics {
    /// The upper bound of the bucket below which this share of commits is; nil before the first commit.
    func commitQuantile(_ share: Double) -> Double? {
        guard commits > 0 else { return nil }
        let wanted = Int64((Double(commits) * share).rounded(.up))
        var count: Int64 = 0
        for (index, bound) in StoreStatistics.commitBuckets.enumerated() {
            count += commitCounts[index]
            if count >= wanted { return bound }
        }
        return StoreStatistics.commitBuckets.last.map { $0 * 2 }
    }
}
