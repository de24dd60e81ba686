import GRDB
import Logging
import OvationCore
import OvationRows

/// The statements that one post needs, prepared once for the writing connection, and the values that a group has to
/// remember until its commit.
final class EventAppender {
    private let insertEvent: PreparedStatement
    private let findIdempotency: PreparedStatement
    private let insertIdempotency: PreparedStatement
    private let forgetIdempotency: PreparedStatement
    /// Highest number given so far, to an event or to a change of a profile; never given again, even when the event is
    /// deleted.
    private(set) var lastEventID: Int64
    let recent: Recent
    private let compactor: Compactor
    private let mover: ProfileMover
    let profiles: ProfileAppender
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
    private var removedEvents: [Int64: Set<Int64>]?
    private let erasures: ErasureAppender
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
        case merging, moving, erasing, forgettingKeys = "forgetting of idempotency keys"
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
        lastEventID = progress.event
        compactor = try Compactor(database, memtable: recent.memtable, capacity: limits.recentEventsMax)
        mover = try ProfileMover(database, recent: recent.profiles, capacity: limits.recentProfilesMax)
        profiles = try ProfileAppender(database, recent: recent.profiles, mover: mover)
        erasures = try ErasureAppender(database, memtable: recent.memtable, profiles.data)
    }

    /// Runs inside the group's transaction.
    func write(_ write: QueuedWrite) throws -> QueuedWrite.Outcome {
        switch write {
        case .append(let batch, _): .appended(try append(batch))
        case .appendChunk(let chunk, _): .appended(try append(chunk))
        case .change(let change, _): .changed(try self.change(change))
        case .keep(let rejection, _): .kept(try keep(rejection))
        case .count(let events, _): count(events)
        }
    }

    private func append(_ batch: EventBatch) throws -> AppendOutcome {
        note(batch.receivedAt)
        let account = batch.profile.account
        if let idempotency = batch.idempotency,
            let outcome = try outcome(account: account, of: idempotency, at: batch.receivedAt)
        {
            if case .duplicate = outcome { activity.tally.addDuplicates(of: batch) }
            return outcome
        }
        // A lenient post may have lost all its events; it makes no profile for nothing.
        var found: ProfileAppender.Found?
        var key = batch.profile.key.text
        if !batch.events.isEmpty {
            found = try key.withUTF8 { key in
                try profiles.find(
                    account: account, keyspace: batch.profile.keyspace, key: key, from: batch.profile.foundingID)
            }
            // Before anything is written: a group has no way to take back a part.
            if case .closed(_, let state)? = found { return .refused([RefusedProfile(index: 0, state: state)]) }
        }
        if let rejection = batch.replayOf {
            let isClosed = try rejections.close(rejection, account: account, at: batch.receivedAt)
            guard isClosed else { return .notOpen }
        }
        if let idempotency = batch.idempotency {
            try remember(idempotency, account: account, at: batch.receivedAt)
        }
        let profile: Int64
        switch found {
        case nil: return .stored
        case .open(let id)?, .closed(let id, _)?: profile = id
        case .free(let id)?:
            profile = try key.withUTF8 { key in
                try profiles.make(
                    account: account, keyspace: batch.profile.keyspace, key: key, at: id, batch.receivedAt)
            }
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

    private func change(_ change: ProfileChange) throws -> ProfileChangeOutcome {
        note(change.at)
        let account = change.profile.account
        if let idempotency = change.idempotency,
            let outcome = try outcome(account: account, of: idempotency, at: change.at)
        {
            if case .duplicate(let answer) = outcome { return .duplicate(answer: answer) }
            return .conflict
        }
        switch try profiles.decide(change, from: lastEventID + 1) {
        case .refuse(let outcome): return outcome
        case .write(let draft):
            if let idempotency = change.idempotency { try remember(idempotency, account: account, at: change.at) }
            try profiles.write(draft, of: change)
            if let erasure = change.erasure, let erased = draft.erased {
                try erasures.note(
                    erasure.id, formats: erasure.formats, of: change, erased.profile, at: erased.position)
                noteLogEntries(1)
            }
            lastEventID += Int64(draft.rows.count)
            return draft.outcome
        }
    }

    private func keep(_ rejection: PackedRejection) throws -> Rejection.ID {
        note(rejection.post.receivedAt)
        let id = try rejections.keep(rejection)
        progress.rejection = max(progress.rejection, id)
        activity.tally.add(rejection)
        return id
    }

    private func count(_ events: CountedEvents) -> QueuedWrite.Outcome {
        note(events.receivedAt)
        activity.tally.add(events)
        return .counted
    }

    /// Writes the values that a group writes once, at the end of its transaction.
    func finishGroup() throws {
        try usage.finishGroup()
        try profiles.consentCounts.finishGroup()
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
        try upkeep(.moving) { try mover.work(forNew: profiles.newCount) }
        if erasures.isDueInGroup(at: .now) { try upkeep(.erasing) { try erase(cost: ErasureAppender.costInGroup) } }
    }

    /// Not while memory is being written into a run: that would have to begin again.
    private func erase(cost: Int) throws {
        let removed = try erasures.work(
            cost: cost, committed: progress.event, removesEvents: !compactor.isWritingMemory)
        for (profile, events) in removed ?? [:] { noteRemoved(events, of: profile) }
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
        // Profiles first: a reader that finds an event finds its profile too.
        profiles.didCommit()
        recent.memtable.add(newEntries)
        compactor.didCommit()
        mover.didCommit()
        if let removedEvents {
            for (profile, events) in removedEvents { recent.memtable.remove(events, of: profile) }
            compactor.reset()
        }
        forgetTransaction()
    }

    private func forgetTransaction() {
        newLogEntries = 0
        newEntries.removeAll(keepingCapacity: true)
        profiles.forget()
        removedEvents = nil
    }

    /// Events of a profile that this transaction deletes and that memory may have.
    func noteRemoved(_ events: Set<Int64>, of profile: Int64) {
        removedEvents = (removedEvents ?? [:]).merging([profile: events]) { $0.union($1) }
    }

    /// The members of a profile, and what memory has of them. nil: there is none.
    func find(_ database: Database, _ address: ProfileAddress) throws -> (tree: MemberTree, recent: Recent.Part)? {
        var steps = Recent.stepsExpected
        while true {
            do {
                let part = recent.part(for: address, steps: steps)
                guard let tree = try MemberRows.find(database, address, part) else { return nil }
                // Nobody else changes which these are.
                return (tree, recent.part(for: address, steps: steps, members: Set(tree.members.keys)))
            } catch is Recent.PathIsLonger {
                steps *= 4
            }
        }
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
        erasures.undo()
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
}

// MARK: - Between posts

extension EventAppender {
    /// Whether no entry waits to be moved to its place.
    var isIdle: Bool {
        (stopped.contains(.merging) || compactor.isIdle) && (stopped.contains(.moving) || mover.isIdle)
            && (stopped.contains(.erasing) || !erasures.hasOpen)
    }

    /// This transaction added to the log of definitions and acts.
    func noteLogEntries(_ count: Int) { newLogEntries += Int64(count) }

    /// Moves a part of the waiting entries to their places, when no post waits. In a transaction of its own.
    func workIdly() throws {
        try upkeep(.merging) { try compactor.workIdly() }
        try upkeep(.moving) { try mover.workIdly() }
        try upkeep(.erasing) { try erase(cost: ErasureAppender.idleCost) }
    }

    /// Leaves little for the next start to read back. In a transaction of its own, the last one.
    func finish() throws {
        guard recent.memtable.count + recent.memtable.frozen.count > EventAppender.leftForStart else { return }
        try compactor.flush()
    }

    /// Entries that a start reads back as fast as it opens the file.
    private static let leftForStart = 4096
}
