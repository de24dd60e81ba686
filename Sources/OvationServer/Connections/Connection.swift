import NIOCore

/// The connection of a request, for answers that take their time: the patience that they need would let any other
/// request be an attack.
struct Connection: Sendable {
    private let channel: any NIOCore.Channel

    init(_ channel: any NIOCore.Channel) {
        self.channel = channel
    }

    enum Event: Sendable {
        /// The server has come to a request, and its client waits to be asked for the body.
        case bodyWanted
        /// A bulk upload is accepted: its body may take its time while it keeps its rate.
        case uploadBegan
        /// The rest of its body has to arrive like any other.
        case uploadEnded
        /// From here on the answer is an export, or the progress of an upload.
        case streamBegan
        case streamEnded
    }

    /// Without port; behind a proxy, the proxy's; `unix` over a Unix socket.
    var remoteAddress: String {
        if let address = channel.remoteAddress?.ipAddress { return address }
        return channel.isUnix ? IPAddress.unix.description : "unknown"
    }

    /// See ``ConnectionGaps``.
    func tell(_ event: Event) {
        channel.triggerUserOutboundEvent(event, promise: nil)
    }
}

extension Channel {
    /// Whether it is a connection over a Unix socket. Its other end has no address of its own.
    var isUnix: Bool { localAddress?.protocol == .unix }
}
