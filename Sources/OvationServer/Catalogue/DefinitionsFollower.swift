import AsyncAlgorithms
import Logging
import OvationCore
public import ServiceLifecycle

/// Where several servers share a store: takes in what the others have changed, definitions, API keys and signing keys,
/// as soon as the store hears of it, and within a second whatever it hears.
///
/// It asks for the numbers of the newest log entries, when it is told that they may have changed and twice a second
/// besides, which costs the store next to nothing; whatever changes any of these writes an entry. While the store is
/// away it goes on with what is in memory.
public struct DefinitionsFollower: Service {
    let directory: Directory
    let signer: TokenSigner
    let logger: Logger
    private var interval = Limits.definitionsPoll

    init(directory: Directory, signer: TokenSigner, logger: Logger) {
        self.directory = directory
        self.signer = signer
        self.logger = logger
    }

    /// The same with another time between its questions.
    func every(_ interval: Duration) -> DefinitionsFollower {
        var follower = self
        follower.interval = interval
        return follower
    }

    public func run() async throws {
        let ticks = AsyncTimerSequence(interval: interval, clock: .continuous).map { _ in () }
        for await _ in merge(ticks, directory.changes).cancelOnGracefulShutdown() {
            do {
                guard try await directory.follow(signer) else { continue }
                logger.info("took in what another server has changed")
            } catch {
                logger.debug("changes of other servers could not be read", metadata: ["error": "\(error)"])
            }
        }
    }
}
