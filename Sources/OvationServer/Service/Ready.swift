import Hummingbird
import OvationCore
import OvationWire
import Synchronization

/// `GET /ready`: the store has just been written and read; send traffic. Otherwise 503 with the reason.
final class Ready: EndpointHandler {
    private let store: any Store
    /// The time of the last successful test of the store. Anybody may ask here, and each test is a commit, so one
    /// serves for a second.
    private let provenAt = Mutex<ContinuousClock.Instant?>(nil)
    private static let proofLifetime = Duration.seconds(1)

    init(store: any Store) {
        self.store = store
    }

    func respond(to call: Call) async throws -> Response {
        let now = ContinuousClock.now
        if provenAt.withLock({ $0.map { now - $0 > Ready.proofLifetime } ?? true }) {
            try await store.check()
            provenAt.withLock { $0 = now }
        }
        return .json(.object([.init("ready", .bool(true))]))
    }
}
