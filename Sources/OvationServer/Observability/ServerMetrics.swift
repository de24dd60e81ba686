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
        var durations: [String: Histogram] = [:]
        var eventsAccepted: Int64 = 0
        var eventsRefused: Int64 = 0
        var eventsDuplicate: Int64 = 0
        /// Accepted events by their version. Those of versions beyond the limit are together in `otherVersions`, for as long
        /// as the process lives: a counter must not shrink.
        var versions: [EventVersion.ID: Int64] = [:]
        var otherVersions: Int64 = 0
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
                figures.count(index - start, of: version)
            }
        }
    }

    func countAccepted(_ versions: [EventVersion.ID: Int]) {
        figures.withLock { figures in
            for (version, count) in versions {
                figures.eventsAccepted += Int64(count)
                figures.count(count, of: version)
            }
        }
    }

    func note(_ failure: Failure) {
        figures.withLock { figures in
            if figures.failures.count == Limits.recentFailuresMax { figures.failures.removeFirst() }
            figures.failures.append(failure)
        }
    }

    var current: Figures { figures.withLock { $0 } }
}

extension ServerMetrics.Figures {
    fileprivate mutating func count(_ events: Int, of version: EventVersion.ID) {
        if let index = versions.index(forKey: version) {
            versions.values[index] += Int64(events)
        } else if versions.count < Limits.countedVersionsMax {
            versions[version] = Int64(events)
        } else {
            otherVersions += Int64(events)
        }
    }
}
