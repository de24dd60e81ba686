import Hummingbird
import OvationCore

/// `GET /metrics`
struct Metrics: EndpointHandler {
    let metrics: ServerMetrics
    let store: any StoreHealth
    let directory: Directory
    let version: String
    let startedAt: Timestamp

    func respond(to call: Call) async throws -> Response {
        let figures = metrics.current
        let facts = PrometheusText.Facts(
            version: version, startedAt: startedAt, eventTypes: eventTypes(figures), process: .read())
        let text = PrometheusText(figures, store.statistics(), facts).text
        return .bytes(Array(text.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }

    /// The counters of versions, by their event types; a discriminator has no character that would need an escape.
    private func eventTypes(_ figures: ServerMetrics.Figures) -> [(discriminator: String, events: Int64)] {
        let catalogues = directory.accounts.map(\.catalogue)
        var events: [String: Int64] = [:]
        for (version, count) in figures.versions.counted {
            let type = catalogues.lazy.compactMap { $0.version(version)?.eventType }.first
            events[type?.discriminator.text ?? "other", default: 0] += count
        }
        if figures.versions.others > 0 { events["other", default: 0] += figures.versions.others }
        return events.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
    }
}
