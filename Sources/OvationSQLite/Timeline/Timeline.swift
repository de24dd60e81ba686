import GRDB
import OvationCore

/// The timelines of profiles in one read: the entries from memory, and then the runs of the file.
struct Timeline {
    private let database: Database
    private let recent: [Int64: [TimelineEntry]]
    private let runs: [Int64]
    /// Every event up to it is in a run.
    let through: Int64

    /// - Parameter recent: entries of the requested profiles by profile, from ``Memtable/entries(of:)``, taken before the
    ///   snapshot of this database began.
    init(_ database: Database, recent: [Int64: [TimelineEntry]]) throws {
        self.database = database
        let live = try PreparedStatement(cached: database.cachedStatement(sql: Timeline.selectRuns))
        defer { live.reset() }
        var runs: [Int64] = []
        var through = Int64(0)
        while try live.nextRow() {
            runs.append(live.int64(0))
            through = max(through, live.int64(1))
        }
        self.runs = runs
        self.through = through
        self.recent = recent
    }

    static let selectRuns = "SELECT run, last_event FROM timeline_run WHERE state = 1"

    static let selectBlocks = """
        SELECT entries FROM timeline
        WHERE run = ?1 AND (profile_id, section, event_time, event_id) <= (?2, ?3, ?4, ?5)
        ORDER BY profile_id DESC, section DESC, event_time DESC, event_id DESC
        """

    /// Those of a range that are in no run.
    func unmerged(_ range: TimelineRange) -> [TimelineEntry] {
        recent[range.profile]?.filter { $0.eventID > through && range.contains($0) } ?? []
    }

    /// The newest of a range over several profiles, newest first. The range has a section.
    func newest(_ range: TimelineRange, of profiles: [Int64], limit: Int) throws -> [TimelineEntry] {
        guard profiles.count > 1 else { return try newest(range, limit: limit) }
        var (range, found) = (range, [TimelineEntry]())
        for profile in profiles {
            range.profile = profile
            found += try newest(range, limit: limit)
            guard found.count >= limit else { continue }
            found.sort { ($0.eventTime, $0.eventID) > ($1.eventTime, $1.eventID) }
            found.removeLast(found.count - limit)
            // Older ones of the others are not among the newest.
            if let last = found.last { range.oldest = max(range.oldest, last.eventTime) }
        }
        return found.sorted { ($0.eventTime, $0.eventID) > ($1.eventTime, $1.eventID) }
    }

    /// The newest of a range, newest first.
    func newest(_ range: TimelineRange, limit: Int) throws -> [TimelineEntry] {
        var found = unmerged(range)
        var block: [TimelineEntry] = []
        for run in runs {
            // This many of each run are enough, since each gives its newest.
            var count = 0
            try forEachBlock(of: run, in: range) { bytes in
                var isLast = true
                var isFirst = true
                block.removeAll(keepingCapacity: true)
                try TimelineBlock.forEach(bytes) { entry in
                    if isFirst { isLast = entry < range.lower }
                    isFirst = false
                    if range.contains(entry) { block.append(entry) }
                }
                for entry in block.reversed().prefix(limit - count) { found.append(entry) }
                count += block.count
                return !isLast && count < limit
            }
        }
        found.sort { $1 < $0 }
        if found.count > limit { found.removeLast(found.count - limit) }
        return found
    }

    /// Each entry of a range once, in no order.
    func forEach(_ range: TimelineRange, _ body: (TimelineEntry) throws -> Void) throws {
        for entry in unmerged(range) { try body(entry) }
        for run in runs {
            try forEachBlock(of: run, in: range) { bytes in
                var isLast = true
                var isFirst = true
                try TimelineBlock.forEach(bytes) { entry in
                    if isFirst { isLast = entry < range.lower }
                    isFirst = false
                    if range.contains(entry) { try body(entry) }
                }
                return !isLast
            }
        }
    }

    /// From the one that may hold the end of the range down, as long as the body returns true.
    private func forEachBlock(
        of run: Int64, in range: TimelineRange, _ body: (UnsafeRawBufferPointer) throws -> Bool
    ) throws {
        let blocks = try PreparedStatement(cached: database.cachedStatement(sql: Timeline.selectBlocks))
        defer { blocks.reset() }
        blocks.bind(1, run)
        blocks.bind(2, key: range.upper)
        while try blocks.nextRow() {
            guard try blocks.withBytes(0, body) else { return }
        }
    }
}

extension Timeline {
    /// All events in the order of the timelines, along the SQLite index that earlier versions had.
    static let indexedEvents: StaticString = """
        SELECT profile_id, section, event_time, event_id, version_id FROM event INDEXED BY event_of_profile
        ORDER BY profile_id, section, event_time, event_id
        """

    /// The same where there is no such index: SQLite sorts, in files.
    static let sortedEvents: StaticString = """
        SELECT profile_id, section, event_time, event_id, version_id FROM event
        ORDER BY profile_id, section, event_time, event_id
        """

    /// Writes all events into one run, of a store that has no run yet.
    static func build(_ database: Database, from sorted: StaticString) throws {
        let events = try PreparedStatement(database, sorted)
        let insert = try PreparedStatement(
            database,
            """
            INSERT INTO timeline (run, profile_id, section, event_time, event_id, entries)
            VALUES (1, ?1, ?2, ?3, ?4, ?5)
            """)
        var builder = TimelineBlock.Builder()
        var (count, last) = (Int64(0), Int64(0))
        func write() throws {
            guard let first = builder.first else { return }
            insert.bind(1, key: first)
            insert.bind(5, blob: builder.bytes)
            try insert.run()
            builder.removeAll()
        }
        while try events.nextRow() {
            var entry = events.key(0)
            entry.version = events.int64(4)
            builder.append(entry)
            count += 1
            last = max(last, entry.eventID)
            if builder.isFull { try write() }
        }
        try write()
        guard count > 0 else { return }
        try database.execute(
            sql: """
                INSERT INTO timeline_run (run, level, state, entries, last_event, sources) VALUES (1, ?, 1, ?, ?, '[]')
                """,
            arguments: [Compactor.level(ofEntries: count), count, last])
    }

    /// Entries of events that are in no run, read from the events themselves.
    static func unmerged(_ database: Database) throws -> [TimelineEntry] {
        let events = try PreparedStatement(
            database,
            """
            SELECT profile_id, section, event_time, event_id, version_id FROM event
            WHERE event_id > (SELECT ifnull(max(last_event), 0) FROM timeline_run WHERE state = 1)
            """)
        var entries: [TimelineEntry] = []
        while try events.nextRow() {
            var entry = events.key(0)
            entry.version = events.int64(4)
            entries.append(entry)
        }
        return entries
    }
}

// MARK: - Removing

extension Timeline {
    /// Removes entries from every run that has them, finished or being written. Runs on the writer's connection.
    static func remove(
        _ database: Database, _ range: TimelineRange, where isMeant: (TimelineEntry) -> Bool
    ) throws {
        try remove(database, from: range.lower, through: range.upper) { range.contains($0) && isMeant($0) }
    }

    /// The same for a part of the order, both ends included.
    static func remove(
        _ database: Database, from lower: TimelineEntry, through upper: TimelineEntry,
        where isMeant: (TimelineEntry) -> Bool = { _ in true }
    ) throws {
        let runs = try Int64.fetchAll(database, sql: "SELECT run FROM timeline_run WHERE state <> 2")
        for run in runs {
            for block in try blocks(database, run, from: lower, through: upper) {
                try rewrite(database, block) { $0 < lower || upper < $0 || !isMeant($0) }
            }
        }
    }

    private static func blocks(
        _ database: Database, _ run: Int64, from lower: TimelineEntry, through upper: TimelineEntry
    ) throws -> [Int64] {
        let statement = try PreparedStatement(
            database,
            """
            SELECT rowid, profile_id, section, event_time, event_id FROM timeline
            WHERE run = ?1 AND (profile_id, section, event_time, event_id) <= (?2, ?3, ?4, ?5)
            ORDER BY profile_id DESC, section DESC, event_time DESC, event_id DESC
            """)
        statement.bind(1, run)
        statement.bind(2, key: upper)
        var found: [Int64] = []
        while try statement.nextRow() {
            found.append(statement.int64(0))
            // The key is never after the block's first entry.
            if statement.key(1) < lower { break }
        }
        return found
    }

    private static func rewrite(
        _ database: Database, _ block: Int64, keeping isKept: (TimelineEntry) -> Bool
    ) throws {
        let statement = try PreparedStatement(
            cached: database.cachedStatement(sql: "SELECT entries FROM timeline WHERE rowid = ?1"))
        statement.bind(1, block)
        guard try statement.nextRow() else { return }
        let entries = try statement.withBytes(0) { try TimelineBlock.entries($0) }
        statement.reset()
        let kept = entries.filter(isKept)
        guard kept.count < entries.count else { return }
        guard !kept.isEmpty else {
            try database.execute(sql: "DELETE FROM timeline WHERE rowid = ?", arguments: [block])
            return
        }
        var builder = TimelineBlock.Builder()
        for entry in kept { builder.append(entry) }
        let update = try PreparedStatement(
            cached: database.cachedStatement(sql: "UPDATE timeline SET entries = ?2 WHERE rowid = ?1"))
        update.bind(1, block)
        update.bind(2, blob: builder.bytes)
        try update.run()
    }
}

extension PreparedStatement {
    /// Four values in the order of the key, from an index on.
    func bind(_ index: CInt, key entry: TimelineEntry) {
        bind(index, entry.profile)
        bind(index + 1, entry.section)
        bind(index + 2, entry.eventTime)
        bind(index + 3, entry.eventID)
    }

    /// Four columns in the order of the key, from one on.
    func key(_ column: CInt) -> TimelineEntry {
        TimelineEntry(
            profile: int64(column), section: int64(column + 1), eventTime: int64(column + 2),
            eventID: int64(column + 3), version: 0)
    }
}
