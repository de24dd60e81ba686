import HTTPTypes

// Following along.
extension Endpoint {
    static let following: [Endpoint] = [streamLive, getActivity]

    public static let streamLive = Endpoint(
        EndpointSpec(
            "streamLive", .get, "/audience/live", .admin, .following, "The outcome of posts, as they happen",
            "Server-sent events: the data of 'post' is a LivePost, that of 'dropped' a LiveDropped. A post never "
                + "waits for a reader.",
            parameters: [
                .inSection, .query("outcome", "Only posts with this outcome.", Bodies.PostOutcome.schema),
                .oneEventDiscriminator,
            ],
            answers: [
                .text(
                    "Server-sent events without an end: 'post' has a LivePost, 'dropped' a LiveDropped.",
                    "text/event-stream")
            ], isPrivate: true, besides: [Bodies.LivePost.self, Bodies.LiveDropped.self]))

    public static let getActivity = Endpoint(
        EndpointSpec(
            "getActivity", .get, "/audience/activity", .admin, .following,
            "The last sixty minutes, and the state of this process",
            "For a quick look: events by minute, by type and by section, as the store has counted them for all servers that "
                + "share it; and of this process how long commits took, and the last answers of 5xx.",
            answers: [.ok(Bodies.Activity.self)]))
}

extension Endpoint {
    static let server: [Endpoint] = [about, health, ready, metrics, openAPI]

    public static let about = Endpoint(
        EndpointSpec(
            "about", .get, "/", .open, .server, "What this server is", "Name, version, region, and where to go on.",
            answers: [.ok(Bodies.About.self)], operation: "getAbout"))

    public static let health = Endpoint(
        EndpointSpec(
            "health", .get, "/health", .open, .server, "The process answers",
            "Use it to decide whether to restart the process.",
            answers: [.ok(Bodies.Health.self)], operation: "getHealth"))

    public static let ready = Endpoint(
        EndpointSpec(
            "ready", .get, "/ready", .open, .server, "The store can be written and read",
            "Use it to decide whether to send requests to this server.", answers: [.ok(Bodies.Ready.self)],
            operation: "getReady"))

    public static let metrics = Endpoint(
        EndpointSpec(
            "metrics", .get, "/metrics", .open, .server, "Figures for Prometheus",
            "Requests, events, commits and the store, as counters and histograms.",
            answers: [.text("Text format 0.0.4.", "text/plain")], operation: "getMetrics"))

    public static let openAPI = Endpoint(
        EndpointSpec(
            "openAPI", .get, "/openapi.json", .open, .server, "This document", "This API as OpenAPI 3.1.",
            answers: [.ok(Bodies.OpenAPI.self)], operation: "getOpenApi"))
}
