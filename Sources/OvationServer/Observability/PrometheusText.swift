import OvationCore
import OvationWire

/// The figures in Prometheus' text format, version 0.0.4.
struct PrometheusText {
    private(set) var text = ""

    /// What is no count of requests.
    struct Facts {
        let version: String
        let startedAt: Timestamp
        /// Accepted events by event type.
        let eventTypes: [(discriminator: String, events: Int64)]
        let process: ProcessFigures
    }

    init(_ figures: ServerMetrics.Figures, _ store: StoreStatistics, _ facts: Facts) {
        family("ovation_build_info", "gauge", "Always 1; the label says which version runs.")
        text += "ovation_build_info{version=\"\(facts.version)\"} 1\n"
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
        family(
            "ovation_event_type_events_total", "counter",
            "Events that this process accepted, by event type; 'other' for those that are too many to count one by one."
        )
        for type in facts.eventTypes {
            text += "ovation_event_type_events_total{event_type=\"\(type.discriminator)\"} \(type.events)\n"
        }
        commits(store)
        single(
            "ovation_posts_committed_total", "counter", "Posts in those groups.", "\(store.requestsCommitted)")
        single("ovation_events_stored_total", "counter", "Events in those groups.", "\(store.eventsStored)")
        single("ovation_posts_waiting", "gauge", "Posts waiting for a commit now.", "\(store.requestsWaiting)")
        single("ovation_store_bytes", "gauge", "Size of the store on disk.", "\(store.bytesOnDisk)")
        jobs(figures)
        process(facts)
    }

    private mutating func jobs(_ figures: ServerMetrics.Figures) {
        family("ovation_jobs", "gauge", "Jobs of the store that have not ended, by state.")
        for state in Job.State.allCases where !state.isEnd {
            text += "ovation_jobs{state=\"\(state.rawValue)\"} \(figures.openJobs[state] ?? 0)\n"
        }
        family("ovation_jobs_ended_total", "counter", "Jobs that this process ended, by kind and state.")
        for kind in Job.Kind.allCases {
            for state in Job.State.allCases where state.isEnd {
                let count = figures.endedJobs[ServerMetrics.EndedJobs(kind: kind, state: state)] ?? 0
                text +=
                    "ovation_jobs_ended_total{kind=\"\(kind.rawValue)\",state=\"\(state.rawValue)\"} \(count)\n"
            }
        }
        family("ovation_import_rows_total", "counter", "Rows of imports that this process did, by outcome.")
        let rows = figures.importRows
        for (outcome, count) in [
            ("new", rows.made), ("updated", rows.updated), ("not_changed", rows.unchanged), ("refused", rows.refused),
        ] {
            text += "ovation_import_rows_total{outcome=\"\(outcome)\"} \(count)\n"
        }
    }

    /// Under the names that every client of Prometheus gives them.
    private mutating func process(_ facts: Facts) {
        let process = facts.process
        single("process_cpu_seconds_total", "counter", "Time on processors.", "\(process.cpuSeconds)")
        single(
            "process_start_time_seconds", "gauge", "Start of the process, in seconds since 1970.",
            "\(Double(facts.startedAt.milliseconds) / 1000)")
        let figures = [
            ("process_open_fds", "Open files and connections.", process.openFiles),
            ("process_max_fds", "Files and connections that may be open.", process.filesMax),
            ("process_resident_memory_bytes", "Memory in use.", process.residentBytes),
            ("process_virtual_memory_bytes", "Address space in use.", process.virtualBytes),
        ]
        for (name, help, value) in figures { if let value { single(name, "gauge", help, "\(value)") } }
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
