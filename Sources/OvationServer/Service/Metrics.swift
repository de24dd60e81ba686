import Hummingbird
import OvationCore

/// `GET /metrics`
struct Metrics: EndpointHandler {
    let metrics: ServerMetrics
    let store: any StoreHealth

    func respond(to call: Call) async throws -> Response {
        let text = PrometheusText(metrics.current, store.statistics()).text
        return .bytes(Array(text.utf8), type: "text/plain; version=0.0.4; charset=utf-8")
    }
}
