/// The values of one column in the row group that is being filled, as they came.
struct ParquetColumnBuffer: Sendable {
    /// Texts one after the other.
    private(set) var texts: [UInt8] = []
    /// Where each text ends in ``texts``.
    private(set) var textEnds: [Int] = []
    /// Everything else: integers, times and days as they are, doubles as their bits, booleans as 1 and 0.
    private(set) var words: [Int64] = []
    /// Rows without and with a value in turns, beginning with those without one.
    private(set) var runs: [Int] = []
    /// Rows that ``runs`` has.
    private var rowsInRuns = 0

    /// - Returns: how many bytes the buffer grew, near enough.
    mutating func append(word: Int64, row: Int) -> Int {
        words.append(word)
        return 8 + mark(row)
    }

    mutating func append(text: some Collection<UInt8>, row: Int) -> Int {
        texts.append(contentsOf: text)
        textEnds.append(texts.count)
        return 8 + text.count + mark(row)
    }

    /// Rows without a value cost nothing until one with a value comes.
    private mutating func mark(_ row: Int) -> Int {
        let missing = row - rowsInRuns
        rowsInRuns = row + 1
        if missing > 0 || runs.isEmpty {
            runs.append(missing)
            runs.append(1)
            return 16
        }
        runs[runs.count - 1] += 1
        return 0
    }

    var valueCount: Int { textEnds.count + words.count }

    /// For each row, 1 where it has a value and 0 where it has none.
    func levels(rows: Int) -> [UInt32] {
        var levels: [UInt32] = []
        levels.reserveCapacity(rows)
        for (index, count) in runs.enumerated() {
            levels.append(contentsOf: repeatElement(index % 2 == 0 ? 0 : 1, count: count))
        }
        levels.append(contentsOf: repeatElement(0, count: rows - levels.count))
        return levels
    }
}
