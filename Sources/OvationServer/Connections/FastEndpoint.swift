import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// An endpoint whose plain requests are read, checked, queued and answered on the event loop of their connection: see
/// ``FastWrites``.
protocol FastEndpoint: EndpointHandler {
    var limits: Limits { get }

    /// A request of a caller who may do this there. Its body has not come yet.
    func begin(_ call: Call) throws(Problem) -> any PlainWrite
}

/// What one plain request writes, between its head and its answer. It stays on its event loop.
protocol PlainWrite: AnyObject {
    /// Checks the body, and queues what it asks for. The receiver is told what became of it.
    /// - Returns: false where it is not plainly right; then nothing was queued.
    func queue(_ body: ByteBuffer, tell receiver: any AppendReceiver & ChangeReceiver) -> Bool

    /// The answer after the commit; nil: nothing was stored, and the framework's way finds and says why, as if the request
    /// came now.
    /// - Throws: why nothing was stored.
    func answer(_ outcome: WriteOutcome) throws(Problem) -> Response?
}

/// What became of what a request wrote.
enum WriteOutcome: Sendable {
    case appended(AppendOutcome)
    case changed(ProfileChangeOutcome)
}
