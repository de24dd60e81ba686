import OvationCore

/// How many rows of an import wait for a commit together, and how long the import pauses behind them. While the server answers
/// requests, they keep most of it; while it answers none, the import has all of it.
struct ImportPace {
    /// What rows that requests may have to wait for are to take.
    static let partDuration = Duration.milliseconds(4)
    /// So many requests while a part is done, and in the pause before it, make the longest pause behind it.
    static let requestsOfBusyServer = 8
    /// The longest pause, as a multiple of what the rows before it took: they take a fifth of the time then.
    static let pauseFactor = 4
    static let rowsMin = 8
    /// A disk that hangs is no reason for a long pause behind it.
    static let pauseMax = Duration.milliseconds(250)

    /// Rows of the next part.
    private(set) var rows = Limits.importBatchRows

    /// - Parameters:
    ///   - count: the rows that were done; at least one.
    ///   - duration: what they took.
    ///   - requests: answered meanwhile, and in the pause before.
    /// - Returns: the pause before the next part.
    mutating func note(_ count: Int, in duration: Duration, requests: Int64) -> Duration {
        guard requests > 0 else {
            rows = min(rows * 2, Limits.importBatchRows)
            return .zero
        }
        // The end of a batch can be a few rows. They take as long as one commit, and say little about many.
        if count >= rows || duration > ImportPace.partDuration {
            let fitting = Double(count) * (ImportPace.partDuration / max(duration, .microseconds(1)))
            let most = min(2 * rows, Limits.importBatchRows)
            rows = fitting < Double(most) ? max(Int(fitting), ImportPace.rowsMin) : most
        }
        let share = min(Double(requests) / Double(ImportPace.requestsOfBusyServer), 1)
        return min(duration * (share * Double(ImportPace.pauseFactor)), ImportPace.pauseMax)
    }
}
