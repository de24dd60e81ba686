import Hummingbird
import OvationCore
import OvationWire
import Synchronization

/// `GET /ready`: the store has just been written and read; send traffic. Otherwise 503 with the reason. While only some nodes
/// of a store are away, it is ready: every server lacks the same.
final class Ready: BodyEndpoint {
    private let store: any StoreHealth
    /// When the store last proved itself. Anybody may ask here, and each proof is a commit, so one serves for a second.
    private let proof = Mutex<(at: ContinuousClock.Instant, missing: [String])?>(nil)
    private static let proofLifetime = Duration.seconds(1)

    init(store: any StoreHealth) {
        self.store = store
    }

    func answer(to call: Call) async throws -> BodyAnswer<Bodies.Ready> {
        let now = ContinuousClock.now
        var missing = proof.withLock { proof in
            proof.flatMap { now - $0.at > Ready.proofLifetime ? nil : $0.missing }
        }
        if missing == nil {
            let found = try await store.check()
            proof.withLock { $0 = (now, found) }
            missing = found
        }
        var body = Bodies.Ready()
        body.ready = true
        if let missing, !missing.isEmpty { body.missing = missing }
        return BodyAnswer(body)
    }
}
