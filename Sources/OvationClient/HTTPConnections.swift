import AsyncHTTPClient
import NIOCore

/// The connections of a process. One is enough for any number of servers; calls to the same server share its connections.
public final class HTTPConnections: Sendable {
    let client: HTTPClient

    /// A caller hears at once that nobody is there; nothing tries again for half a minute. And no secret goes where nobody
    /// sent it.
    public init() {
        var configuration = HTTPClient.Configuration.singletonConfiguration
        configuration.redirectConfiguration = .disallow
        configuration.connectionPool.retryConnectionEstablishment = false
        configuration.timeout.connect = .seconds(10)
        // An upload on a slow line has a long way from one word of the server to the next.
        configuration.timeout.read = .minutes(10)
        client = HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    /// Has to be called, once, when no call is under way.
    public func shutdown() async {
        // It fails only where it was called before.
        try? await client.shutdown()
    }
}
