import Hummingbird
import NIOCore

/// What a request is handled with beside itself: the parameters of its path, and who is at the other end.
struct ServerContext: RequestContext {
    var coreContext: CoreRequestContextStorage
    private let channel: any Channel

    init(source: ApplicationRequestContextSource) {
        coreContext = .init(source: source)
        channel = source.channel
    }

    var connection: Connection { Connection(channel) }
}
