import Hummingbird
import NIOCore

/// The context of a request: the parameters of its path, and the other end of its connection.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any NIOCore.Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    var connection: Connection { Connection(channel) }
}
