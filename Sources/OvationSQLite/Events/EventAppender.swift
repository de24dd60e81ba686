import GRDB
import Logging
import OvationCore
import OvationRows

/// The statements that one post needs, prepared once for the writing connection, and the values that a group has to
/// remember until its commit.
final class EventAppender {
    private let findProfile: PreparedStatement
    private let insertProfile: PreparedStatement
    private let insertEvent: PreparedStatement
    private let findIdempotency: PreparedStatement
    private let insertIdempotency: PreparedStatement
    private let forgetIdempotency: PreparedStatement
    /// Highest event id given so far; never given again, even when the event is deleted.
    private(set) var lastEventID: Int64
    let recent: Recent
    private let compactor: Compactor
    private let mover: ProfileMover
    private let idempotencyLifetime: Duration
    private let saveClock: PreparedStatement
    private let rejections: RejectionAppender
    private var forgetting: Forgetting
    let usage: UsageAppender
    let activity: ActivityAppender
    /// When the newest post of the group came.
    private var newestArrival: Timestamp?
    /// The entries that the transaction adds to memory after its commit, and those that it removes.
    private var newEntries: [TimelineEntry] = []
    private var place = TimelineEntry(profile: 0, section: 0, eventTime: 0, eventID: 0, version: 0)
    private var newProfiles: [Int64: RecentProfiles.Row] = [:]
    private var removedEvents: Set<Int64>?
    private var newLogEntries: Int64 = 0
    private var storedRejection: Int64 = 0

    /// The progress of the store, as far as the last transaction has changed it.
    private(set) var progress: StoreProgress
    /// Work that stopped because of a damaged page; it is left out, so that posts which do not need the page are
    /// stored.
    private var stopped: Set<Upkeep> = []
    private var isNewlyStopped = false
    private let logger: Logger

    /// Work that is done with the posts, in their transactions.
    private enum Upkeep: String {
        case merging, moving, forgettingKeys = "forgetting of idempotency keys"
        case forgettingRejections = "forgetting of refused posts"
        case counting = "counting of events by the minute"
    }

    init(_ database: Database, recent: Recent, limits: Limits, logger: Logger) throws {
        self.recent = recent
        self.logger = logger
        progress = try StoreOpening.progress(database)
        storedRejection = progress.rejection
        idempotencyLifetime = limits.idempotencyLifetime
        forgetting = Forgetting(noted: try ClockNote.read(database), limits: limits)
        rejections = try RejectionAppender(database, countMax: limits.rejectionsMax, age: limits.rejectionAge)
        saveClock = try PreparedStatement(database, ClockNote.save)
        activity = try ActivityAppender(database)
        usage = try UsageAppender(database, activity: activity)
        findProfile = try PreparedStatement(
            database,
            "SELECT account_id = ?2 AND keyspace = ?3 AND key = ?4 FROM profile WHERE profile_id = ?1")
        insertProfile = try PreparedStatement(
            database,
            """
            INSERT INTO profile_arrival (profile_id, account_id, keyspace, key, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        insertEvent = try PreparedStatement(
            database,
            """
            INSERT INTO event (event_id, profile_id, section, event_time, received_at, version_id, data)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
            """)
        findIdempotency = try PreparedStatement(
            database,
            "SELECT fingerprint, answer FROM idempotency WHERE account_id = ?1 AND key = ?2 AND created_at > ?3")
        insertIdempotency = try PreparedStatement(
            database,
            """
            INSERT OR REPLACE INTO idempotency (account_id, key, fingerprint, answer, created_at)
            VALUES (?1, ?2, ?3, ?4, ?5)
            """)
        forgetIdempotency = try PreparedStatement(
            database,
            """
            DELETE FROM idempotency WHERE (account_id, key) IN
                (SELECT account_id, key FROM idempotency WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)
            """)
        let stored = try Int64.fetchOne(database, sql: "SELECT max(event_id) FROM event") ?? 0
        let given = try Int64.fetchOne(database, sql: "SELECT value FROM setting WHERE name = 'last_event_id'")
        lastEventID = max(stored, given ?? 0)
        compactor = try Compactor(database, memtable: recent.memtable, capacity: limits.recentEventsMax)
        mover = try ProfileMover(database, recent: recent.profiles, capacity: limits.recentProfilesMax)
    }

    /// Runs inside the group's transaction.
    func append(_ batch: EventBatch) throws -> AppendOutcome {
        note(batch.receivedAt)
        let account = batch.profile.account
        if let idempotency = batch.idempotency,
            let outcome = try outcome(account: account, of: idempotency, at: batch.receivedAt)
        {
            if case .duplicate = outcome { activity.tally.addDuplicates(of: batch) }
            return outcome
        }
        if let rejection = batch.replayOf {
            let isClosed = try rejections.close(rejection, account: account, at: batch.receivedAt)
            guard isClosed else { return .notOpen }
        }
        if let idempotency = batch.idempotency {
            try remember(idempotency, account: account, at: batch.receivedAt)
        }
        // A lenient post may have no events left; then it makes no profile.
        guard !batch.events.isEmpty else { return .stored }
        var key = batch.profile.key.text
        let profile = try key.withUTF8 { key in
            try profileID(
                account: account, keyspace: batch.profile.keyspace, key: key, founding: batch.profile.foundingID,
                at: batch.receivedAt)
        }
        if let rejection = batch.replayOf {
            let events = lastEventID + 1...lastEventID + Int64(batch.events.count)
            try rejections.note(profile, events, of: rejection)
        }
        begin(profile: profile, section: batch.section, receivedAt: batch.receivedAt)
        try batch.data.withUnsafeBufferPointer { data in
            var start = 0
            for event in batch.events {
                try insert(event.eventTime, event.version, UnsafeBufferPointer(rebasing: data[start..<event.dataEnd]))
                start = event.dataEnd
            }
        }
        try usage.count(batch)
        return .stored
    }

    /// Runs inside the group's transaction.
    func keep(_ rejection: PackedRejection) throws -> Rejection.ID {
        note(rejection.post.receivedAt)
        let id = try rejections.keep(rejection)
        progress.rejection = max(progress.rejection, id)
        activity.tally.add(rejection)
        return id
    }

    /// Runs inside the group's transaction.
    func count(_ events: CountedEvents) {
        note(events.receivedAt)
        activity.tally.add(events)
    }

    /// Writes the values that a group writes once, at the end of its transaction.
    func finishGroup() throws {
        try usage.finishGroup()
        if let newestArrival {
            let time = forgetting.time(newestArrival)
            try upkeep(.forgettingRejections) { try rejections.finishGroup(at: time) }
            if let time = forgetting.noteIfDue(newestArrival) { try noteClock(time) }
            try upkeep(.counting) { try activity.finishGroup(at: time) }
            // If a damaged page stopped the counting, nothing is counted any more, and no counts pile up.
            if stopped.contains(.counting) { activity.tally.removeAll() }
        }
        newestArrival = nil
        try upkeep(.merging) { try compactor.work(forStored: newEntries.count) }
        try upkeep(.moving) { try mover.work(forNew: newProfiles.count) }
    }

    /// Work that a damaged page stops continues with the next start, if the page is whole by then.
    /// - Throws: that page's failure too. A statement that failed halfway may have left a tree in disorder, so the
    ///   transaction must not be committed; the next one runs without this work.
    private func upkeep(_ kind: Upkeep, _ work: () throws -> Void) throws {
        guard !stopped.contains(kind) else { return }
        do {
            try work()
        } catch {
            let failure = StoreFailure(error)
            guard failure.code == .damaged else { throw error }
            logger.error(
                "a part of the store is damaged; restore a backup",
                metadata: ["reason": "\(failure.message)", "stopped": "\(kind.rawValue)"])
            isNewlyStopped = true
            if kind != .merging || !compactor.stopMerging() { stopped.insert(kind) }
            throw error
        }
    }

    /// Whether the last transaction failed because of background work, which is left out from now on.
    func takeNewlyStopped() -> Bool {
        defer { isNewlyStopped = false }
        return isNewlyStopped
    }

    private func noteClock(_ time: Timestamp) throws {
        saveClock.bind(1, time.milliseconds)
        try saveClock.run()
    }

    /// The transaction is on disk: from here on readers find its rows.
    func didCommit() {
        progress.event = lastEventID
        progress.logEntry += newLogEntries
        storedRejection = progress.rejection
        // Profiles come first, so that a reader that finds an event also finds its profile.
        recent.profiles.add(newProfiles)
        recent.memtable.add(newEntries)
        compactor.didCommit()
        mover.didCommit()
        if let removedEvents {
            recent.memtable.remove(removedEvents)
            compactor.reset()
        }
        forgetTransaction()
    }

    private func forgetTransaction() {
        newLogEntries = 0
        newEntries.removeAll(keepingCapacity: true)
        newProfiles.removeAll(keepingCapacity: true)
        removedEvents = nil
    }

    /// Events that this transaction deletes and that memory may have.
    func noteRemoved(_ events: Set<Int64>) {
        removedEvents = (removedEvents ?? []).union(events)
    }

    /// Forgets a group that was rolled back. The ids given in it are free again.
    func undoGroup(toEventID id: Int64) {
        lastEventID = id
        usage.undoGroup()
        activity.undoGroup()
        rejections.undoGroup()
        newestArrival = nil
        progress.rejection = storedRejection
        undoChange()
    }

    /// Forgets a transaction that was rolled back.
    func undoChange() {
        compactor.reset()
        mover.reset()
        forgetTransaction()
    }

    func note(_ arrival: Timestamp) {
        newestArrival = max(newestArrival ?? arrival, arrival)
    }

    func outcome(account: Int64, of idempotency: Idempotency, at now: Timestamp) throws -> AppendOutcome? {
        if let outcome = try outcome(account: account, key: idempotency.key, of: idempotency, at: now) {
            return outcome
        }
        guard let former = idempotency.formerKey,
            case .duplicate(let answer)? = try outcome(account: account, key: former, of: idempotency, at: now)
        else { return nil }
        return .duplicate(answer: answer)
    }

    private func outcome(
        account: Int64, key: String, of idempotency: Idempotency, at now: Timestamp
    ) throws -> AppendOutcome? {
        findIdempotency.bind(1, account)
        findIdempotency.bind(2, text: key)
        findIdempotency.bind(3, forgetting.time(now).advanced(by: .zero - idempotencyLifetime).milliseconds)
        defer { findIdempotency.reset() }
        guard try findIdempotency.nextRow() else { return nil }
        guard findIdempotency.blob(0) == idempotency.fingerprint else { return .conflict }
        return .duplicate(answer: findIdempotency.blob(1))
    }

    func remember(_ idempotency: Idempotency, account: Int64, at now: Timestamp) throws {
        insertIdempotency.bind(1, account)
        insertIdempotency.bind(2, text: idempotency.key)
        insertIdempotency.bind(3, blob: idempotency.fingerprint)
        insertIdempotency.bind(4, blob: idempotency.answer)
        insertIdempotency.bind(5, now.milliseconds)
        try insertIdempotency.run()
        // Each new key removes two old ones, so that the table cannot outgrow its lifetime and no clean-up ever blocks
        // the writer.
        let oldest = forgetting.time(now).advanced(by: .zero - idempotencyLifetime)
        try upkeep(.forgettingKeys) {
            forgetIdempotency.bind(1, oldest.milliseconds)
            forgetIdempotency.bind(2, 2)
            try forgetIdempotency.run()
        }
    }

}

// MARK: - Rows

extension EventAppender {
    /// Sets the account, profile and section of the events that ``insert(_:_:_:)`` stores from here on.
    func begin(profile: Int64, section: Int64, receivedAt: Timestamp) {
        place.profile = profile
        place.section = section
        insertEvent.bind(2, profile)
        insertEvent.bind(3, section)
        insertEvent.bind(5, receivedAt.milliseconds)
    }

    func insert(_ eventTime: Timestamp, _ version: EventVersion.ID, _ data: UnsafeBufferPointer<UInt8>) throws {
        lastEventID += 1
        insertEvent.bind(1, lastEventID)
        insertEvent.bind(4, eventTime.milliseconds)
        insertEvent.bind(6, version)
        insertEvent.bind(7, text: data)
        try insertEvent.run()
        place.eventTime = eventTime.milliseconds
        place.eventID = lastEventID
        place.version = version
        newEntries.append(place)
    }

    /// Finds the profile, or makes it.
    func profileID(
        account: Int64, keyspace: Int64, key: UnsafeBufferPointer<UInt8>, founding: ProfileID, at now: Timestamp
    ) throws -> Int64 {
        var id = founding
        while let isOurs = try isProfile(id.value, of: account, keyspace, key) {
            if isOurs { return id.value }
            id = id.afterCollision
        }
        insertProfile.bind(1, id.value)
        insertProfile.bind(2, account)
        insertProfile.bind(3, keyspace)
        insertProfile.bind(4, text: key)
        insertProfile.bind(5, now.milliseconds)
        try insertProfile.run()
        newProfiles[id.value] = RecentProfiles.Row(
            id: id.value, account: account, keyspace: keyspace, key: String(decoding: key, as: UTF8.self),
            createdAt: now.milliseconds, arrival: insertProfile.lastInsertedRowID)
        return id.value
    }

    /// nil: there is no profile with this id. false: the id belongs to another profile.
    private func isProfile(
        _ id: Int64, of account: Int64, _ keyspace: Int64, _ key: UnsafeBufferPointer<UInt8>
    ) throws -> Bool? {
        if let row = newProfiles[id] ?? recent.profiles[id] {
            return row.account == account && row.keyspace == keyspace && row.key.utf8.elementsEqual(key)
        }
        findProfile.bind(1, id)
        findProfile.bind(2, account)
        findProfile.bind(3, keyspace)
        findProfile.bind(4, text: key)
        defer { findProfile.reset() }
        return try findProfile.nextRow() ? findProfile.int64(0) == 1 : nil
    }
}

// MARK: - Between posts

extension EventAppender {
    /// Whether no entry waits to be moved to its place.
    var isIdle: Bool {
        (stopped.contains(.merging) || compactor.isIdle) && (stopped.contains(.moving) || mover.isIdle)
    }

    /// This transaction added to the log of definitions and acts.
    func noteLogEntries(_ count: Int) { newLogEntries += Int64(count) }

    /// Moves a part of the waiting entries to their places, when no post waits. In a transaction of its own.
    func workIdly() throws {
        try upkeep(.merging) { try compactor.workIdly() }
        try upkeep(.moving) { try mover.workIdly() }
    }

    /// Leaves little for the next start to read back. In a transaction of its own, the last one.
    func finish() throws {
        guard recent.memtable.count + recent.memtable.frozen.count > EventAppender.leftForStart else { return }
        try compactor.flush()
    }

    /// Entries that a start reads back as fast as it opens the file.
    private static let leftForStart = 4096
}
