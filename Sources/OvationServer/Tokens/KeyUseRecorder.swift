import AsyncAlgorithms
import OvationCore
public import ServiceLifecycle

/// Writes the times of last use of API keys, every five minutes and at the end, so that no request waits for it.
public struct KeyUseRecorder: Service {
    let directory: Directory

    public func run() async throws {
        let ticks = AsyncTimerSequence(interval: Limits.keyUseInterval, clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() { await directory.saveUses() }
        await directory.saveUses()
    }
}
