/// How often, and how slowly, a transfer is tried again: ever more slowly, as long as there is progress.
struct Retries: Sendable {
    static let attemptsMax = 10
    private var attempts = 0
    private var lastProgress = 0

    /// The seconds to wait after a failure that can pass.
    /// - Parameter progress: something that grows when an attempt got further than the ones before.
    /// - Returns: nil when it was tried often enough.
    mutating func pause(progress: Int) -> Int? {
        if progress > lastProgress { attempts = 0 }
        lastProgress = max(progress, lastProgress)
        attempts += 1
        return attempts <= Retries.attemptsMax ? min(30, 1 << (attempts - 1)) : nil
    }
}

/// What a transfer tells of its breaks.
public protocol TransferObserver: Sendable {
    /// It failed, and is tried again in some seconds.
    func pauses(after failure: ClientFailure, seconds: Int)
    /// The pause is over.
    func goesOn()
}
