import AsyncAlgorithms
import OvationCore
public import ServiceLifecycle

/// Writes down when API keys were last used, every five minutes and at the end: a request with a key never waits for
/// that.
public struct KeyUseRecorder: Service {
    let directory: Directory

    public func run() async throws {
        let ticks = AsyncTimerSequence(interval: Limits.keyUseInterval, clock: .continuous)
        for await _ in ticks.cancelOnGracefulShutdown() { await directory.saveUses() }
        await directory.saveUses()
    }
}
