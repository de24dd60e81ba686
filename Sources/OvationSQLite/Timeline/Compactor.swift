import GRDB
import OvationCore

/// Writes the entries in memory into sorted runs, and several runs into a larger one: a log-structured merge tree.
///
/// All of it happens on the writer's thread, a little in the transaction of each group of posts and the rest when no
/// post waits. For each stored event it merges a fixed number of entries, so the work keeps up with the posts and no
/// post waits for much of it.
///
/// A run that is being written is invisible until the transaction that finishes it. After any failure before that, the
/// next start continues or starts again.
final class Compactor {
    /// A run and its sources.
    private final class Job {
        let run: Int64
        let level: Int
        var sources: [Source]
        /// The entries of memory, in the order in which they came: sorted a part at a time, each of which becomes a
        /// source.
        var unsorted: ArraySlice<TimelineEntry> = []
        var builder = TimelineBlock.Builder()
        var entries: Int64

        init(run: Int64, level: Int, sources: [Source], entries: Int64) {
            self.run = run
            self.level = level
            self.sources = sources
            self.entries = entries
        }

        var isFromMemory: Bool { level == 0 }
    }

    /// Entries in order: a sorted part of the memtable, or a run, a block at a time.
    private final class Source {
        let run: Int64?
        var entries: [TimelineEntry]
        var position = 0
        /// Key of the block that the entries are of.
        var key = TimelineEntry(profile: .min, section: .min, eventTime: .min, eventID: .min, version: 0)

        init(run: Int64?, entries: [TimelineEntry] = []) {
            self.run = run
            self.entries = entries
        }
    }

    /// Runs of a level that are merged into one of the next.
    static let fanOut = 4
    /// Entries that are merged into a run for each stored event, on each level. Two keep every level below twice its
    /// runs; memory is emptied faster, since it has to be ready when it is full again.
    private static let mergedPerEvent = 2
    private static let flushedPerEvent = 4
    /// Events between two steps of work, since each step has a fixed cost.
    private static let stride = 512
    /// The number of parts in which full memory is sorted: each takes a fraction of a millisecond.
    private static let sortedParts = 16
    /// Entries in a step of work when no post waits: about two milliseconds.
    private static let idleEntries = 8192

    /// The level that a run of this size would have if it had been merged.
    static func level(ofEntries count: Int64) -> Int {
        var (level, size) = (0, Int64(Limits().recentEventsMax))
        while size < count {
            level += 1
            size *= Int64(fanOut)
        }
        return level
    }

    private let database: Database
    private let memtable: Memtable
    private let capacity: Int
    private let statements: Statements
    private var jobs: [Job] = []
    private var isPlanned = false
    private var events = 0
    private var isFlushed = false

    /// - Parameter capacity: how many entries memory holds before they are written into a run.
    init(_ database: Database, memtable: Memtable, capacity: Int) throws {
        self.database = database
        self.memtable = memtable
        self.capacity = capacity
        statements = try Statements(database)
        // The flush was not finished, and memory has more entries by now.
        try database.execute(sql: "UPDATE timeline_run SET state = 2 WHERE state = 0 AND level = 0")
    }

    /// Does a part of the due work, if it is time. Runs inside the transaction of a group that stored this many events.
    func work(forStored count: Int) throws {
        events += count
        guard events >= Compactor.stride || memtable.count >= capacity else { return }
        try work(events: events)
        events = 0
    }

    /// Does a part of the due work. Runs inside a transaction, when no post waits.
    func workIdly() throws { try work(events: Compactor.idleEntries / Compactor.flushedPerEvent) }

    var isIdle: Bool {
        isPlanned && jobs.isEmpty && memtable.count < capacity && memtable.frozen.isEmpty && !(hasDead && isMerging)
    }

    /// Whether a part of memory is in a run that is not finished.
    var isWritingMemory: Bool { jobs.contains(where: \.isFromMemory) }

    /// Writes all that memory holds into a run. Inside a transaction, as the last thing before the store closes.
    func flush() throws {
        for _ in 0..<2 {
            try plan(flushing: true)
            while let job = jobs.first(where: \.isFromMemory) { try advance(job, by: .max) }
            if isFlushed { memtable.dropFrozen() }
            isFlushed = false
        }
    }

    func didCommit() {
        if isFlushed { memtable.dropFrozen() }
        isFlushed = false
    }

    /// Forgets its position: writes since the last commit are gone, or entries have been removed.
    func reset() {
        jobs = []
        isPlanned = false
        isFlushed = false
    }

    private var hasDead = true
    private var isMerging = true

    /// A run that is being read has a damaged page: from here on memory is written into runs, and no run is merged.
    /// - Returns: false if merging had stopped before; then the damage is more than an unreadable run.
    func stopMerging() -> Bool {
        defer { isMerging = false }
        return isMerging
    }

    private func work(events: Int) throws {
        try plan(flushing: memtable.count >= capacity)
        for job in jobs {
            let rate = job.isFromMemory ? Compactor.flushedPerEvent : Compactor.mergedPerEvent
            // Memory that is full twice over has to be emptied now.
            let isLate = job.isFromMemory && memtable.count >= capacity
            try advance(job, by: isLate ? .max : events * rate)
        }
        if hasDead, isMerging { try removeDead(blocks: events / 16 + 1) }
    }
}

// MARK: - Planning

extension Compactor {
    private func plan(flushing: Bool) throws {
        if !jobs.contains(where: \.isFromMemory), !isFlushed, flushing || !memtable.frozen.isEmpty {
            try startFlush()
        }
        guard !isPlanned else { return }
        isPlanned = true
        guard isMerging else {
            // Removes runs that were being written; their sources stay.
            try database.execute(sql: "UPDATE timeline_run SET state = 2 WHERE state = 0 AND level > 0")
            return
        }
        if jobs.allSatisfy(\.isFromMemory) { try resume() }
        while try startMerge() {}
    }

    private func startFlush() throws {
        let frozen = memtable.frozen
        let entries = frozen.isEmpty ? memtable.freeze() : frozen
        guard let last = entries.lazy.map(\.eventID).max() else { return }
        // Left over when a transaction failed, or when entries were removed.
        try database.execute(sql: "UPDATE timeline_run SET state = 2 WHERE state = 0 AND level = 0")
        hasDead = true
        let run = try insertRun(level: 0, lastEvent: last, sources: [])
        let job = Job(run: run, level: 0, sources: [], entries: 0)
        job.unsorted = entries[...]
        jobs.insert(job, at: 0)
    }

    /// Continues with runs that were being written.
    private func resume() throws {
        let rows = try Row.fetchAll(
            database, sql: "SELECT run, level, sources FROM timeline_run WHERE state = 0 AND level > 0")
        for row in rows {
            let run: Int64 = try row.decode(atIndex: 0)
            let sources = try Int64.fetchAll(
                database, sql: "SELECT value FROM json_each(?)", arguments: [try row.decode(String.self, atIndex: 2)]
            ).map { Source(run: $0) }
            var entries = Int64(0)
            if let last = try lastEntry(of: run) {
                for source in sources { try seek(source, past: last) }
                entries =
                    try Int64.fetchOne(
                        database, sql: "SELECT entries FROM timeline_run WHERE run = ?", arguments: [run]) ?? 0
            }
            jobs.append(Job(run: run, level: try row.decode(atIndex: 1), sources: sources, entries: entries))
        }
    }

    /// One merge of the lowest level that has runs enough for it and none under way.
    private func startMerge() throws -> Bool {
        let busy = Set(jobs.map(\.level))
        let rows = try Row.fetchAll(
            database, sql: "SELECT run, level, last_event FROM timeline_run WHERE state = 1 ORDER BY run")
        let levels = try Dictionary(grouping: rows) { try $0.decode(Int.self, atIndex: 1) }
        for (level, runs) in levels.sorted(by: { $0.key < $1.key }) {
            guard runs.count >= Compactor.fanOut, !busy.contains(level + 1) else { continue }
            let sources = runs.prefix(Compactor.fanOut)
            let last = try sources.map { try $0.decode(Int64.self, atIndex: 2) }.max() ?? 0
            let numbers = try sources.map { try $0.decode(Int64.self, atIndex: 0) }
            let run = try insertRun(level: level + 1, lastEvent: last, sources: numbers)
            jobs.append(Job(run: run, level: level + 1, sources: numbers.map { Source(run: $0) }, entries: 0))
            return true
        }
        return false
    }

    private func insertRun(level: Int, lastEvent: Int64, sources: [Int64]) throws -> Int64 {
        try database.execute(
            sql: "INSERT INTO timeline_run (level, state, entries, last_event, sources) VALUES (?, 0, 0, ?, ?)",
            arguments: [level, lastEvent, EventRows.json(sources)])
        return database.lastInsertedRowID
    }
}

// MARK: - Merging

extension Compactor {
    private func advance(_ job: Job, by count: Int) throws {
        var left = count
        while !job.unsorted.isEmpty {
            guard left > 0 else { return }
            let part = job.unsorted.prefix(max(1, capacity / Compactor.sortedParts))
            job.unsorted = job.unsorted.dropFirst(part.count)
            job.sources.append(Source(run: nil, entries: part.sorted()))
            left -= part.count
        }
        while left > 0 {
            guard let source = try first(of: job.sources) else {
                try finish(job)
                return
            }
            job.builder.append(source.entries[source.position])
            source.position += 1
            job.entries += 1
            left -= 1
            if job.builder.isFull { try write(job) }
        }
        try statements.setEntries(of: job.run, to: job.entries - Int64(job.builder.count))
    }

    /// The source whose next entry comes first; nil when there is none.
    private func first(of sources: [Source]) throws -> Source? {
        var first: Source?
        for source in sources {
            if source.position == source.entries.count, try !statements.nextBlock(source) { continue }
            if let best = first, best.entries[best.position] < source.entries[source.position] { continue }
            first = source
        }
        return first
    }

    private func write(_ job: Job) throws {
        guard let first = job.builder.first else { return }
        try statements.insert(run: job.run, key: first, entries: job.builder.bytes)
        job.builder.removeAll()
    }

    private func finish(_ job: Job) throws {
        try write(job)
        try database.execute(
            sql: "UPDATE timeline_run SET state = 1, entries = ? WHERE run = ?", arguments: [job.entries, job.run])
        for source in job.sources {
            try database.execute(sql: "UPDATE timeline_run SET state = 2 WHERE run = ?", arguments: [source.run])
        }
        jobs.removeAll { $0 === job }
        // The new run may be the one that its level needed for a merge.
        isPlanned = false
        if job.isFromMemory { isFlushed = true } else { hasDead = true }
    }

    private func lastEntry(of run: Int64) throws -> TimelineEntry? {
        let last = TimelineEntry(profile: .max, section: .max, eventTime: .max, eventID: .max, version: 0)
        return try statements.block(of: run, notAfter: last)?.entries.last
    }

    private func seek(_ source: Source, past entry: TimelineEntry) throws {
        guard let run = source.run, let block = try statements.block(of: run, notAfter: entry) else { return }
        source.key = block.key
        source.entries = block.entries
        source.position = block.entries.partitioningIndex { entry < $0 }
    }

    private func removeDead(blocks: Int) throws {
        guard let run = try Int64.fetchOne(database, sql: "SELECT run FROM timeline_run WHERE state = 2") else {
            hasDead = false
            return
        }
        // Entries are hashes, times and numbers, and the same values are still in another run. Overwriting their pages
        // would double the writes of a merge.
        try database.execute(sql: "PRAGMA secure_delete = OFF")
        defer { try? database.execute(sql: "PRAGMA secure_delete = ON") }
        try database.execute(
            sql: "DELETE FROM timeline WHERE rowid IN (SELECT rowid FROM timeline WHERE run = ? LIMIT ?)",
            arguments: [run, blocks])
        if database.changesCount < blocks {
            try database.execute(sql: "DELETE FROM timeline_run WHERE run = ?", arguments: [run])
        }
    }

    private final class Statements {
        private let insert: PreparedStatement
        private let next: PreparedStatement
        private let before: PreparedStatement
        private let count: PreparedStatement

        init(_ database: Database) throws {
            insert = try PreparedStatement(
                database,
                """
                INSERT INTO timeline (run, profile_id, section, event_time, event_id, entries)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                """)
            next = try PreparedStatement(
                database,
                """
                SELECT profile_id, section, event_time, event_id, entries FROM timeline
                WHERE run = ?1 AND (profile_id, section, event_time, event_id) > (?2, ?3, ?4, ?5)
                ORDER BY profile_id, section, event_time, event_id LIMIT 1
                """)
            before = try PreparedStatement(
                database,
                """
                SELECT profile_id, section, event_time, event_id, entries FROM timeline
                WHERE run = ?1 AND (profile_id, section, event_time, event_id) <= (?2, ?3, ?4, ?5)
                ORDER BY profile_id DESC, section DESC, event_time DESC, event_id DESC LIMIT 1
                """)
            count = try PreparedStatement(database, "UPDATE timeline_run SET entries = ?2 WHERE run = ?1")
        }

        func insert(run: Int64, key: TimelineEntry, entries: [UInt8]) throws {
            insert.bind(1, run)
            insert.bind(2, key: key)
            insert.bind(6, blob: entries)
            try insert.run()
        }

        func setEntries(of run: Int64, to entries: Int64) throws {
            count.bind(1, run)
            count.bind(2, entries)
            try count.run()
        }

        /// false: there is none.
        func nextBlock(_ source: Source) throws -> Bool {
            guard let run = source.run else { return false }
            next.bind(1, run)
            next.bind(2, key: source.key)
            defer { next.reset() }
            guard try next.nextRow() else { return false }
            source.key = next.key(0)
            source.entries = try next.withBytes(4) { try TimelineBlock.entries($0) }
            source.position = 0
            return true
        }

        func block(
            of run: Int64, notAfter entry: TimelineEntry
        ) throws -> (key: TimelineEntry, entries: [TimelineEntry])? {
            before.bind(1, run)
            before.bind(2, key: entry)
            defer { before.reset() }
            guard try before.nextRow() else { return nil }
            return (before.key(0), try before.withBytes(4) { try TimelineBlock.entries($0) })
        }
    }
}
