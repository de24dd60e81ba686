import AsyncAlgorithms
import Logging
import OvationCore
public import ServiceLifecycle

/// Where several servers share a store: takes in what the others have changed, definitions, API keys and signing keys,
/// within a second.
///
/// It asks twice a second for the numbers of the newest log entries, which costs the store next to nothing; whatever
/// changes any of these writes an entry. While the store is away it goes on with what is in memory.
public struct DefinitionsFollower: Service {
    let directory: Directory
    let signer: TokenSigner
    let logger: Logger

    public func run() async throws {
        let ticks = AsyncTimerSequence(interval: Limits.definitionsPoll, clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() {
            do {
                guard try await directory.follow(signer) else { continue }
                logger.info("took in what another server has changed")
            } catch {
                logger.debug("changes of other servers could not be read", metadata: ["error": "\(error)"])
            }
        }
    }
}
