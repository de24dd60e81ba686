import Hummingbird
import OvationCore
import OvationWire
import Synchronization

/// `GET /ready`: the store has just been written and read; send traffic. Otherwise 503 with the reason.
final class Ready: BodyEndpoint {
    private let store: any StoreHealth
    /// When the store last proved itself. Anybody may ask here, and each proof is a commit, so one serves for a second.
    private let provenAt = Mutex<ContinuousClock.Instant?>(nil)
    private static let proofLifetime = Duration.seconds(1)

    init(store: any StoreHealth) {
        self.store = store
    }

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Ready> {
        let now = ContinuousClock.now
        if provenAt.withLock({ $0.map { now - $0 > Ready.proofLifetime } ?? true }) {
            try await store.check()
            provenAt.withLock { $0 = now }
        }
        var body = Bodies.Ready()
        body.ready = true
        return BodyAnswer(body)
    }
}
