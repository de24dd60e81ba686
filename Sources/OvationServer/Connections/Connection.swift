import NIOCore

/// The connection that a request came on, for the answers that take their time: what is patience for them would be an
/// attack on every other.
struct Connection: Sendable {
    private let channel: any Channel

    init(_ channel: any Channel) {
        self.channel = channel
    }

    enum Event: Sendable {
        /// The server has come to a request whose client waits to be asked for the body.
        case bodyWanted
        /// A bulk upload is let in: its body may take its time as long as it goes on.
        case uploadBegan
        /// Whatever is left of its body has to arrive as any other.
        case uploadEnded
        /// What is written from here on is an export, or tells of an upload's progress.
        case streamBegan
        case streamEnded
    }

    /// Without port; behind a proxy, the proxy's.
    var remoteAddress: String { channel.remoteAddress?.ipAddress ?? "unknown" }

    /// See ``ConnectionGaps``.
    func tell(_ event: Event) {
        channel.triggerUserOutboundEvent(event, promise: nil)
    }
}
