import OvationCore
import OvationWire
import Synchronization

/// What the server counts about itself. Labels are endpoints, statuses and event types, of each a bounded number; never a
/// path, a key or a name.
final class ServerMetrics: Sendable {
    /// Upper bounds of the histogram's buckets, in seconds.
    static let buckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

    struct Figures {
        var requests: [RequestLabel: Int64] = [:]
        /// All requests together.
        var answered: Int64 = 0
        var durations: [String: Histogram] = [:]
        var eventsAccepted: Int64 = 0
        var eventsRefused: Int64 = 0
        var eventsDuplicate: Int64 = 0
        /// Accepted events by their version.
        var versions = VersionCounts()
        /// Open jobs of the store by state, as they were looked at last.
        var openJobs: [Job.State: Int64] = [:]
        /// Jobs that ended by what this process did.
        var endedJobs: [EndedJobs: Int64] = [:]
        var importRows = Job.Counts()
        /// The newest last, and no more of them than are remembered.
        var failures: [Failure] = []
    }

    /// An error or an outage of the server itself.
    struct Failure {
        let at: Timestamp
        /// Method and path template; or the console.
        let place: String
        let status: Int
        let problem: Problem
        let requestID: String
    }

    /// Who answered.
    enum Source: Hashable {
        case endpoint(Endpoint)
        case console
        case unknown

        var name: String {
            switch self {
            case .endpoint(let endpoint): endpoint.name
            case .console: "console"
            case .unknown: "unknown"
            }
        }
    }

    struct RequestLabel: Hashable {
        let source: Source
        let status: Int
    }

    struct EndedJobs: Hashable {
        let kind: Job.Kind
        let state: Job.State
    }

    struct Histogram {
        var counts = [Int64](repeating: 0, count: buckets.count + 1)
        var sum = 0.0
    }

    private let figures = Mutex(Figures())

    func count(_ source: Source, status: Int, duration: Duration) {
        let seconds = duration / .seconds(1)
        let bucket = ServerMetrics.buckets.firstIndex { seconds <= $0 } ?? ServerMetrics.buckets.count
        figures.withLock { figures in
            figures.requests[RequestLabel(source: source, status: status), default: 0] += 1
            figures.answered += 1
            guard source != .unknown else { return }
            figures.durations[source.name, default: Histogram()].counts[bucket] += 1
            figures.durations[source.name]?.sum += seconds
        }
    }

    func countEvents(accepted: Int = 0, refused: Int = 0, duplicate: Int = 0) {
        figures.withLock { figures in
            figures.eventsAccepted += Int64(accepted)
            figures.eventsRefused += Int64(refused)
            figures.eventsDuplicate += Int64(duplicate)
        }
    }

    /// Events that were accepted, each with its version.
    func countAccepted(_ rows: [EventBatch.Row]) {
        figures.withLock { figures in
            figures.eventsAccepted += Int64(rows.count)
            var index = 0
            while index < rows.count {
                // Mostly all of a post are of one version.
                let (version, start) = (rows[index].version, index)
                while index < rows.count, rows[index].version == version { index += 1 }
                figures.versions.add(index - start, to: version)
            }
        }
    }

    func countAccepted(_ versions: [EventVersion.ID: Int]) {
        figures.withLock { figures in
            for (version, count) in versions {
                figures.eventsAccepted += Int64(count)
                figures.versions.add(count, to: version)
            }
        }
    }

    func note(open jobs: [Job]) {
        let counts = Dictionary(grouping: jobs, by: \.state).mapValues { Int64($0.count) }
        figures.withLock { $0.openJobs = counts }
    }

    func count(ended job: Job) {
        figures.withLock { $0.endedJobs[EndedJobs(kind: job.kind, state: job.state), default: 0] += 1 }
    }

    /// Rows of an import, by outcome.
    func countRows(_ counts: Job.Counts) { figures.withLock { $0.importRows += counts } }

    func note(_ failure: Failure) {
        figures.withLock { figures in
            if figures.failures.count == Limits.recentFailuresMax { figures.failures.removeFirst() }
            figures.failures.append(failure)
        }
    }

    var current: Figures { figures.withLock { $0 } }

    /// How many requests this process has answered.
    var requestsAnswered: Int64 { figures.withLock { $0.answered } }
}

/// Numbers of events by version, for a bounded number of versions. Every post counts here, so this is a table of its own
/// and no dictionary: ids of versions follow one another, so their last bits spread them without a hash.
struct VersionCounts {
    private struct Slot {
        /// 0: of no version.
        var version: EventVersion.ID = 0
        var events: Int64 = 0
    }

    /// More than two for each version, so that a search soon meets the version or a free slot. A power of two.
    private static let slotCount = 512

    private var slots = [Slot](repeating: Slot(), count: slotCount)
    private var versionCount = 0
    /// Events of versions beyond the limit. They stay here for as long as the process lives: a counter must not shrink.
    private(set) var others: Int64 = 0

    mutating func add(_ events: Int, to version: EventVersion.ID) {
        var place = Int(truncatingIfNeeded: version) & (VersionCounts.slotCount - 1)
        while slots[place].version != version {
            if slots[place].version != 0 {
                place = (place + 1) & (VersionCounts.slotCount - 1)
            } else if versionCount < Limits.countedVersionsMax {
                versionCount += 1
                slots[place].version = version
            } else {
                others += Int64(events)
                return
            }
        }
        slots[place].events += Int64(events)
    }

    /// The versions that are counted one by one.
    var counted: [(version: EventVersion.ID, events: Int64)] {
        slots.filter { $0.version != 0 }.map { ($0.version, $0.events) }
    }
}
