import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// `GET /audience/activity`: what an operator wants to see at a glance. Events in each of the last sixty minutes, by
/// outcome and by type, are what the store has counted, for all servers that share it. How long commits take and the last
/// failures are of this process; `GET /metrics` has those that are made to be collected.
struct GetActivity: BodyEndpoint {
    let metrics: ServerMetrics
    let store: any ActivityStore & RejectionStore & StoreHealth
    let startedAt: Timestamp
    let limits: Limits

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Activity> {
        let caller = try call.caller()
        let last = Activity.minute(of: call.receivedAt)
        let minutes = last - Int64(Limits.activityMinutes) + 1...last
        let activity = try await store.activity(account: caller.key.account, in: minutes)
        let usage = try await store.usage(account: caller.key.account)
        let open = try await store.countOpenRejections(
            account: caller.key.account, from: call.receivedAt.advanced(by: .zero - limits.rejectionAge))
        let statistics = store.statistics()
        var body = Bodies.Activity()
        body.startedAt = startedAt
        body.countedSince = activity.since
        body.minutes = minutes.map { minute in
            var shown = Bodies.ActivityMinute()
            shown.at = Timestamp(milliseconds: minute * 60_000)
            shown.counts = Bodies.ActivityCounts(activity.minutes[minute] ?? Activity.Counts())
            return shown
        }
        body.events = types(activity.subjects, caller.catalogue)
        body.sections = sections(activity.subjects, caller.catalogue)
        body.commits.count = Int64(statistics.commits)
        body.commits.medianSeconds = statistics.commitQuantile(0.5)
        body.commits.p99Seconds = statistics.commitQuantile(0.99)
        body.eventsStored = Int64(usage.reduce(0) { $0 + $1.events })
        body.openRejections = Int64(open)
        body.postsWaiting = Int64(statistics.requestsWaiting)
        body.storeBytes = Int64(statistics.bytesOnDisk)
        body.failures = metrics.current.failures.reversed().map { Bodies.ActivityFailure($0) }
        return BodyAnswer(body, headers: [.cacheControl: "no-store"])
    }

    /// Those with the most accepted events first. An event type that was removed is still known.
    private func types(
        _ subjects: [Activity.Subject: Activity.Counts], _ catalogue: Catalogue
    ) -> [Bodies.ActivityType] {
        var byType: [Discriminator<EventType>: Activity.Counts] = [:]
        for case (.version(let id), let counts) in subjects {
            guard let type = catalogue.version(id)?.eventType else { continue }
            byType[type.discriminator, default: Activity.Counts()] += counts
        }
        return byType.sorted { ($1.value.accepted, $0.key) < ($0.value.accepted, $1.key) }.compactMap { entry in
            catalogue.eventType(entry.key).map { Bodies.ActivityType($0, entry.value) }
        }
    }

    /// With what refused posts named no known version for.
    private func sections(
        _ subjects: [Activity.Subject: Activity.Counts], _ catalogue: Catalogue
    ) -> [Bodies.ActivitySection] {
        var bySection: [Discriminator<Section>: Activity.Counts] = [:]
        for (subject, counts) in subjects {
            let section =
                switch subject {
                case .version(let id): catalogue.version(id)?.eventType.section
                case .section(let number): catalogue.section(number: number)?.discriminator
                }
            if let section { bySection[section, default: Activity.Counts()] += counts }
        }
        return bySection.sorted { $0.key < $1.key }.map { section, counts in
            var shown = Bodies.ActivitySection()
            shown.sectionDiscriminator = section.text
            shown.counts = Bodies.ActivityCounts(counts)
            return shown
        }
    }
}

extension Bodies.ActivityCounts {
    fileprivate init(_ counts: Activity.Counts) {
        self.init()
        accepted = Int64(counts.accepted)
        refused = Int64(counts.refused)
        duplicate = Int64(counts.duplicates)
    }
}

extension Bodies.ActivityType {
    fileprivate init(_ type: EventType, _ counts: Activity.Counts) {
        self.init()
        sectionDiscriminator = type.section.text
        discriminator = type.discriminator.text
        name = type.name
        eventCount = Int64(counts.accepted)
        refused = Int64(counts.refused)
        duplicate = Int64(counts.duplicates)
    }
}

extension Bodies.ActivityFailure {
    fileprivate init(_ failure: ServerMetrics.Failure) {
        self.init()
        at = failure.at
        endpoint = failure.place
        status = Int64(failure.status)
        code = failure.problem.code.rawValue
        detail = failure.problem.detail
        requestID = failure.requestID
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
