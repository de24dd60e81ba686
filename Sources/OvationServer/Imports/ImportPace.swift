import OvationCore

/// How many rows of an import wait for a commit together, and how long the import pauses behind them. While the server answers
/// many requests, they keep most of it; while it answers few, the import has all of it, and a request waits for one commit of
/// rows at most.
struct ImportPace {
    /// What a part may take beside many requests, and beside few.
    static let duration = (many: Duration.milliseconds(4), few: Duration.milliseconds(20))
    /// Fewest rows of a part. Alone, a commit of fewer would be mostly its sync.
    static let rowsMin = (many: 8, few: 100)
    /// Requests a second from which on the pause is the longest. A tenth of them are few.
    static let manyRequests = 500.0
    /// The longest pause, as a multiple of what the rows before it took: they take a fifth of the time then.
    static let pauseFactor = 4.0
    /// A disk that hangs is no reason for a long pause behind it.
    static let pauseMax = Duration.milliseconds(250)
    /// The time that the rate of requests is of. A request that asks now and then how far the import is, is no load.
    static let rateDuration = Duration.milliseconds(250)

    /// Rows of the next part.
    private(set) var rows = Limits.importBatchRows
    /// Requests a second.
    private var rate = 0.0

    /// - Parameters:
    ///   - count: the rows that were done; at least one.
    ///   - duration: what they took.
    ///   - elapsed: the time since the part before: the pause, and this part.
    ///   - requests: answered in that time.
    /// - Returns: the pause before the next part.
    mutating func note(_ count: Int, in duration: Duration, elapsed: Duration, requests: Int64) -> Duration {
        let seconds = max(elapsed, .microseconds(1)) / .seconds(1)
        let weight = seconds / (seconds + ImportPace.rateDuration / .seconds(1))
        rate += weight * (Double(requests) / seconds - rate)
        let share = min(rate / ImportPace.manyRequests, 1)
        let isBusy = share > 0.1
        // The end of a batch can be a few rows. They take as long as one commit, and say little about many.
        let target = isBusy ? ImportPace.duration.many : ImportPace.duration.few
        if count >= rows || duration > target {
            let fitting = Double(count) * (target / max(duration, .microseconds(1)))
            let least = isBusy ? ImportPace.rowsMin.many : ImportPace.rowsMin.few
            rows = Int(min(max(fitting, Double(least)), Double(min(2 * max(rows, least), Limits.importBatchRows))))
        }
        return isBusy ? min(duration * (share * ImportPace.pauseFactor), ImportPace.pauseMax) : .zero
    }
}
