import AsyncAlgorithms
import Logging
import OvationCore
public import ServiceLifecycle

/// If several servers share a store, it takes over what the others have changed (definitions, API keys and signing
/// keys) as soon as the store is notified, and within a second in any case.
///
/// It asks for the numbers of the newest log entries, when it is told that they may have changed and also twice a
/// second, which costs the store almost nothing; every such change writes an entry. While the store is away it
/// continues with the data in memory.
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

    /// The same with another interval.
    func every(_ interval: Duration) -> DefinitionsFollower {
        var follower = self
        follower.interval = interval
        return follower
    }

    public func run() async throws {
        var isTold = false
        let ticks = AsyncTimerSequence(interval: interval, clock: .continuous).map { _ in () }
        for await _ in merge(ticks, directory.changes).cancelOnGracefulShutdown() {
            do {
                guard try await directory.follow(signer) else { continue }
                isTold = false
                logger.info("took over the changes of another server")
            } catch let failure as StoreFailure where failure.code == .unusable {
                // Revoked keys still work here until this server is updated to one that can read the log.
                if !isTold {
                    logger.error(
                        "the changes of other servers cannot be read; update this server",
                        metadata: ["error": "\(failure)"])
                }
                isTold = true
            } catch {
                logger.debug("changes of other servers could not be read", metadata: ["error": "\(error)"])
            }
        }
    }
}
