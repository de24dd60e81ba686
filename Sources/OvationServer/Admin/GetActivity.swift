import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/activity`: what an operator wants to see at a glance: events in each of the last sixty minutes, by
/// outcome and by type, how long commits take, the size of the store, and the server's last failures. Figures of this
/// process; `GET /metrics` has those that are made to be collected.
struct GetActivity: EndpointHandler {
    let activity: Activity
    let metrics: ServerMetrics
    let store: any Store
    let startedAt: Timestamp
    let limits: Limits

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let minutes = activity.minutes(account: caller.key.account, until: call.receivedAt)
        let usage = try await store.usage(account: caller.key.account)
        let open = try await store.countOpenRejections(
            account: caller.key.account, from: call.receivedAt.advanced(by: .zero - limits.rejectionAge))
        let statistics = store.statistics()
        return .json(
            .object([
                .init("started_at", .string(startedAt.rfc3339)),
                .init("minutes", .array(minutes.map(\.json))),
                .init("events", .array(types(minutes, caller.catalogue))),
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

    /// The most frequent first.
    private func types(_ minutes: [Activity.Minute], _ catalogue: Catalogue) -> [JSONValue] {
        var counts: [Discriminator<EventType>: Int] = [:]
        for (version, count) in minutes.flatMap(\.accepted) {
            guard let type = catalogue.version(version)?.eventType else { continue }
            counts[type.discriminator, default: 0] += count
        }
        return counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { discriminator, count in
            let type = catalogue.eventType(discriminator)
            return .object([
                .init("section_discriminator", .string(type?.section.text ?? "")),
                .init("discriminator", .string(discriminator.text)), .init("name", .string(type?.name ?? "")),
                .init("event_count", JSONValue(count)),
            ])
        }
    }
}

extension Activity.Minute {
    fileprivate var json: JSONValue {
        .object([
            .init("at", .string(Timestamp(milliseconds: number * 60_000).rfc3339)),
            .init("accepted", JSONValue(accepted.values.reduce(0, +))), .init("refused", JSONValue(refused)),
            .init("duplicate", JSONValue(duplicates)),
        ])
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
    /// The bound of the bucket that a share of commits lies under; nil before the first commit.
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
