import OvationCore
import OvationWire

/// The figures in Prometheus' text format, version 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    init(_ figures: ServerMetrics.Figures, _ store: StoreStatistics) {
        family("ovation_requests_total", "counter", "Requests answered, by endpoint and status.")
        let requests = figures.requests.sorted {
            ($0.key.source.name, $0.key.status) < ($1.key.source.name, $1.key.status)
        }
        for (label, count) in requests {
            text += "ovation_requests_total{endpoint=\"\(label.source.name)\",status=\"\(label.status)\"} \(count)\n"
        }
        durations(figures)
        family("ovation_events_total", "counter", "Events that came to this process, by outcome.")
        text += "ovation_events_total{outcome=\"accepted\"} \(figures.eventsAccepted)\n"
        text += "ovation_events_total{outcome=\"refused\"} \(figures.eventsRefused)\n"
        text += "ovation_events_total{outcome=\"duplicate\"} \(figures.eventsDuplicate)\n"
        commits(store)
        single(
            "ovation_posts_committed_total", "counter", "Posts in those groups.", "\(store.requestsCommitted)")
        single("ovation_events_stored_total", "counter", "Events in those groups.", "\(store.eventsStored)")
        single("ovation_posts_waiting", "gauge", "Posts waiting for a commit now.", "\(store.requestsWaiting)")
        single("ovation_store_bytes", "gauge", "Size of the store on disk.", "\(store.bytesOnDisk)")
    }

    private mutating func durations(_ figures: ServerMetrics.Figures) {
        let name = "ovation_request_seconds"
        family(name, "histogram", "Time from the head of a request to its answer.")
        for (endpoint, histogram) in figures.durations.sorted(by: { $0.key < $1.key }) {
            var count: Int64 = 0
            for (index, bound) in ServerMetrics.buckets.enumerated() {
                count += histogram.counts[index]
                text += "\(name)_bucket{endpoint=\"\(endpoint)\",le=\"\(bound)\"} \(count)\n"
            }
            count += histogram.counts[ServerMetrics.buckets.count]
            text += "\(name)_bucket{endpoint=\"\(endpoint)\",le=\"+Inf\"} \(count)\n"
            text += "\(name)_sum{endpoint=\"\(endpoint)\"} \(histogram.sum)\n"
            text += "\(name)_count{endpoint=\"\(endpoint)\"} \(count)\n"
        }
    }

    private mutating func commits(_ store: StoreStatistics) {
        let name = "ovation_commit_seconds"
        family(name, "histogram", "Time to commit and sync a group of posts.")
        var count: Int64 = 0
        for (index, bound) in StoreStatistics.commitBuckets.enumerated() {
            count += store.commitCounts[index]
            text += "\(name)_bucket{le=\"\(bound)\"} \(count)\n"
        }
        text += "\(name)_bucket{le=\"+Inf\"} \(store.commits)\n"
        text += "\(name)_sum \(store.commitSeconds)\n\(name)_count \(store.commits)\n"
    }

    private mutating func family(_ name: String, _ type: String, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(type)\n"
    }

    private mutating func single(_ name: String, _ type: String, _ help: String, _ value: String) {
        family(name, type, help)
        text += "\(name) \(value)\n"
    }
}
