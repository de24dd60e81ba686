import Hummingbird
import Logging
import NIOCore
import NIOEmbedded
import OvationCore
import OvationServer

/// The server as a function from request to response: router, pipeline, endpoint, and no connection.
func responder(on store: InstantStore) async throws -> @Sendable (Request) async throws -> Response {
    let logger = Logger(label: "benchmark") { _ in SwiftLogNoOpLogHandler() }
    let server = try await Server(
        store: store,
        configuration: ServerConfiguration(
            host: "127.0.0.1", port: 0, region: Credentials.region, version: "benchmark", isConsoleOn: false),
        clock: WallClock { Article.now }, logger: logger)
    return try await responder(of: server.application(), logger: logger)
}

private func responder(
    of application: some ApplicationProtocol, logger: Logger
) async throws -> @Sendable (Request) async throws -> Response {
    let responder = try await application.responder
    let channel = NIOAsyncTestingChannel()
    return { request in
        try await responder.respond(
            to: request, context: .init(source: ApplicationRequestContextSource(channel: channel, logger: logger)))
    }
}
