import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// An endpoint whose plain requests are read, checked, given to the store and answered on the event loop of their
/// connection: see ``FastRequests``.
protocol FastEndpoint: EndpointHandler {
    var limits: Limits { get }

    /// A request of a caller who may do this there. Its body has not come yet. nil: it is not plain.
    func begin(_ call: Call) throws(Problem) -> (any PlainRequest)?
}

/// What one plain request asks of the store, between its head and its answer. It stays on its event loop.
protocol PlainRequest: AnyObject {
    /// Checks the body, and gives the store what it asks for. The receiver is told what became of it.
    /// - Parameter body: empty, of a request that reads.
    /// - Returns: false where it is not plainly right; then the store was given nothing.
    func queue(_ body: ByteBuffer, tell receiver: any StoreReceiver) -> Bool

    /// The answer, and its body; nil: nothing was stored or found, and the framework's way finds and says why, as if the
    /// request came now.
    /// - Throws: why nothing was stored.
    func answer(_ outcome: StoreOutcome) throws(Problem) -> (response: Response, body: ByteBuffer)?
}

/// Who is told what became of a plain request.
typealias StoreReceiver = AppendReceiver & ChangeReceiver & EventPageReceiver

/// What became of a plain request in the store.
enum StoreOutcome: Sendable {
    case appended(AppendOutcome)
    case changed(ProfileChangeOutcome)
    /// nil: there is no such profile.
    case read(EventPage?)
}
