import OvationCore
import OvationRows

// MARK: - Step 4

extension GroupTransaction {
    func commit() throws(PostgresFailure) {
        var round = Round()
        if let profiles = newProfiles() { round.add(profiles) }
        if let unmade = unmade() { round.add(unmade) }
        if let events = events() { round.add(events) }
        addChanges(to: &round)
        addErasures(to: &round)
        if let usage = usage() { round.add(usage) }
        if let activity = activityRows() { round.add(activity) }
        if let replays = replays() { round.add(replays) }
        if let rejections = rejections() { round.add(rejections) }
        if mark == nil { mark = transactionID.map { .transaction($0) } }
        let forgotten = mayForget ? addForgetting(to: &round) : nil
        // What is refused here is not remembered either.
        let dropped = posts.indices.filter {
            posts[$0].idempotency != nil
                && (outcomes[$0]?.isRefusal == true || changeOutcomes[$0]?.isRefusal == true)
        }
        if !dropped.isEmpty { round.add(keyCommand(WriteSQL.dropKeys, of: dropped)) }
        round.add(Command(.commit))
        let results = try connection.run(round.commands)
        if let forgotten {
            // As long as some are found there may be more.
            memory.lookedAt = results[forgotten].count > 0 ? nil : posts.map(\.receivedAt).max()
        }
    }

    /// The number of events that this transaction stores.
    var eventCount: Int {
        posts.indices.reduce(0) { $0 + (mustStore($1) && !posts[$1].isChange ? posts[$1].positions : 0) }
    }

    private struct EventColumns {
        var ids: [Int64] = []
        var profiles: [Int64] = []
        var sections: [Int64] = []
        var times: [Int64] = []
        var versions: [Int64] = []
        var accounts: [Int64] = []
        var arrivals: [Int64] = []
    }

    func events() -> Command? {
        var columns = EventColumns()
        forEachEvent { post, profile, section, time, version in
            let id = eventIDs.next()
            columns.ids.append(id)
            if let rejection = post.replayOf {
                replayed[.rejection(account: post.account, rejection), default: []].append(id: id)
            }
            columns.profiles.append(profile)
            columns.sections.append(section)
            columns.times.append(time.milliseconds)
            columns.versions.append(version)
            columns.accounts.append(post.account)
            columns.arrivals.append(post.receivedAt.milliseconds)
        }
        guard let first = columns.ids.first else { return nil }
        mark = .event(
            profile: columns.profiles[0], section: columns.sections[0], time: columns.times[0], id: first)
        return Command(WriteSQL.insertEvents) {
            for column in [
                columns.ids, columns.profiles, columns.sections, columns.times, columns.versions, columns.accounts,
                columns.arrivals,
            ] { $0.add(column) }
            $0.addList(of: .text, count: columns.ids.count, appendData)
        }
    }

    /// In the order in which the posts came, and within each post in its own order.
    func forEachEvent(
        _ body: (_ post: QueuedWrite, _ profile: Int64, _ section: Int64, _ time: Timestamp, _ version: Int64) -> Void
    ) {
        for (index, post) in posts.enumerated() where mustStore(index) {
            switch post {
            case .append(let batch, _):
                guard let profile = profiles(of: index).first else { continue }
                for event in batch.events { body(post, profile, batch.section, event.eventTime, event.version) }
            case .appendChunk(let chunk, _):
                var row = 0
                for (place, id) in zip(chunk.profiles, profiles(of: index)) {
                    while row < place.rowsEnd {
                        body(post, id, chunk.section, chunk.rows[row].eventTime, chunk.rows[row].version)
                        row += 1
                    }
                }
            case .change, .keep, .count: break
            }
        }
    }

    /// The JSON of the same events in the same order, from the posts' bytes into the message.
    private func appendData(_ list: inout Arguments.List) {
        for (index, post) in posts.enumerated() where mustStore(index) {
            switch post {
            case .append(let batch, _):
                batch.data.withUnsafeBufferPointer { data in
                    var start = 0
                    for event in batch.events {
                        list.append(bytes: UnsafeBufferPointer(rebasing: data[start..<event.dataEnd]))
                        start = event.dataEnd
                    }
                }
            case .appendChunk(let chunk, _):
                chunk.data.withUnsafeBufferPointer { data in
                    for row in chunk.rows { list.append(bytes: UnsafeBufferPointer(rebasing: data[row.data])) }
                }
            case .change, .keep, .count: break
            }
        }
    }

    // MARK: Usage

    private struct Tally {
        var events: Int64 = 0
        var last = Int64.min
        var running: RunningMinute
    }

    private func usage() -> Command? {
        var tallies: [UsageKey: Tally] = [:]
        forEachEvent { post, _, _, _, version in
            let key = UsageKey(account: post.account, version: version)
            var tally = tallies[key] ?? Tally(running: memory.running[key] ?? RunningMinute())
            tally.events += 1
            tally.last = max(tally.last, post.receivedAt.milliseconds)
            tally.running.add(1, at: Activity.minute(of: post.receivedAt)) { ended in
                activity.add(accepted: ended.events, of: version, account: post.account, minute: ended.minute)
            }
            tallies[key] = tally
        }
        guard !tallies.isEmpty else { return nil }
        running = tallies.mapValues(\.running)
        let sorted = tallies.sorted { $0.key < $1.key }
        return Command(WriteSQL.addUsage) {
            $0.add(slot)
            $0.add(sorted.map(\.key.account))
            $0.add(sorted.map(\.key.version))
            $0.add(sorted.map(\.value.events))
            $0.add(sorted.map(\.value.last))
            $0.add(sorted.map(\.value.running.minute))
            $0.add(sorted.map(\.value.running.events))
        }
    }

    // MARK: Activity

    var hasActivity: Bool { !activity.isEmpty }

    /// After ``usage()``, which adds the minutes that have ended.
    private func activityRows() -> Command? {
        for (index, post) in posts.enumerated() {
            switch (post, outcomes[index]) {
            case (.append(let batch, _), .duplicate?): activity.addDuplicates(of: batch)
            case (.appendChunk(let chunk, _), .duplicate?): activity.addDuplicates(of: chunk)
            case (.appendChunk(let chunk, _), nil): activity.addRefused(of: chunk)
            case (.keep(let rejection, _), _): activity.add(rejection)
            case (.count(let events, _), _): activity.add(events)
            case (.append, _), (.appendChunk, _), (.change, _): break
            }
        }
        guard !activity.isEmpty else { return nil }
        let sorted = activity.rows.sorted { $0.key < $1.key }
        return Command(WriteSQL.addActivity) {
            $0.add(slot)
            $0.add(sorted.map(\.key.minute))
            $0.add(sorted.map(\.key.account))
            $0.add(sorted.map(\.key.section))
            $0.add(sorted.map(\.key.version))
            $0.add(sorted.map(\.value.accepted))
            $0.add(sorted.map(\.value.refused))
            $0.add(sorted.map(\.value.duplicates))
        }
    }

    // MARK: Refused posts

    /// The profiles that got the events of replays.
    private func replays() -> Command? {
        var rows: [(account: Int64, id: Rejection.ID, profile: Int64, events: String)] = []
        for (index, post) in posts.enumerated() where mustStore(index) {
            guard let id = post.replayOf, let profile = profiles(of: index).first else { continue }
            let events = replayed[.rejection(account: post.account, id)] ?? []
            rows.append((post.account, id, profile, RejectionText.text(of: events)))
        }
        guard !rows.isEmpty else { return nil }
        return Command(WriteSQL.noteReplays) {
            $0.add(rows.map(\.account))
            $0.add(rows.map(\.id))
            $0.add(rows.map(\.profile))
            $0.add(rows.map(\.events))
        }
    }

    private var kept: [PackedRejection] {
        posts.compactMap { post in if case .keep(let rejection, _) = post { rejection } else { nil } }
    }

    private func rejections() -> Command? {
        let kept = kept
        guard let first = kept.first else { return nil }
        if mark == nil { mark = .rejection(account: first.post.account, id: rejectionIDs[0]) }
        return Command(WriteSQL.insertRejections) {
            $0.add(kept.map(\.post.account))
            $0.add(rejectionIDs)
            $0.add(kept.map(\.post.section))
            $0.add(kept.map(\.post.keyspace))
            $0.add(bytesOf: kept) { Array($0.post.key.utf8) }
            $0.add(kept.map(\.post.receivedAt.milliseconds))
            $0.add(kept.map(\.post.clientID))
            $0.add(bytesOf: kept) { Array($0.post.requestID.utf8) }
            $0.add(kept.map(\.post.code.rawValue))
            $0.add(bytesOf: kept) { Array($0.post.detail.utf8) }
            $0.add(kept.map(\.errors))
            $0.add(kept.map { Int64($0.post.eventCount) })
            $0.add(bytesOf: kept) { $0.post.body }
            $0.add(kept.map(\.marks.cause))
            $0.add(kept.map(\.marks.itemCodes))
            $0.add(kept.map(\.marks.eventTypes))
        }
    }

    /// The most rejections that one kept post removes, of those past their age and of those beyond the maximum.
    private static let forgottenEach = 10

    /// Returns the place of the command that says whether there were any.
    private func addForgetting(to round: inout Round) -> Int? {
        guard let newest = posts.map(\.receivedAt).max() else { return nil }
        var counts: [Int64: Int] = [:]
        for rejection in kept { counts[rejection.post.account, default: 0] += 1 }
        let count = max(counts.values.reduce(0, +), 1)
        let time = memory.forgetting.time(newest)
        if let due = memory.forgetting.noteIfDue(newest) { round.add(ClockNote.save(due)) }
        let place = round.add(
            Command(WriteSQL.forgetOldRejections) {
                $0.add(time.advanced(by: .zero - limits.rejectionAge).milliseconds)
                $0.add(Int64(GroupTransaction.forgottenEach * count))
            })
        for (account, count) in counts.sorted(by: { $0.key < $1.key }) {
            round.add(
                Command(WriteSQL.forgetManyRejections) {
                    $0.add(account)
                    $0.add(Int64(limits.rejectionsMax))
                    $0.add(Int64(GroupTransaction.forgottenEach * count))
                })
        }
        return place
    }

    // MARK: After a lost answer

    /// Whether this transaction was committed. Ask only when it is certainly over.
    func isStored(on connection: PostgresConnection) throws(PostgresFailure) -> Bool {
        switch mark {
        case .event(let profile, let section, let time, let id):
            let found = try connection.run(WriteSQL.hasEvent) {
                for number in [profile, section, time, id] { $0.add(number) }
            }
            if found.count == 0 { try verifyIsNotErased(profile, on: connection) }
            return found.count == 1
        case .rejection(let account, let id):
            return try connection.run(WriteSQL.hasRejection) {
                $0.add(account)
                $0.add(id)
            }.count == 1
        case .change(let profile, let position):
            let found = try connection.run(ChangeSQL.hasChange) { $0.add(position) }
            if found.count == 0 { try verifyIsNotErased(profile, on: connection) }
            return found.count == 1
        case .transaction(let number):
            return try connection.run(WriteSQL.isCommitted) { $0.add(number) }.bool(0, 0)
        // It wrote at most idempotency keys, and they give the same answer when they are asked again.
        case nil: return false
        }
    }

    /// What is missing of a profile that was erased since may have been removed with it, and the rest of the group be stored.
    private func verifyIsNotErased(_ profile: Int64, on connection: PostgresConnection) throws(PostgresFailure) {
        let rows = try connection.run(WriteSQL.findProfiles) { $0.add([profile]) }
        if rows.count == 1, ProfileState(stored: rows.int64(0, 4)) == .erased {
            throw PostgresFailure(
                state: "", message: "the profile by which the commit would be found was erased meanwhile")
        }
    }
}

extension Arguments {
    mutating func add<Value>(bytesOf values: [Value], _ bytes: (Value) -> [UInt8]) {
        addList(of: .bytes, count: values.count) { list in
            for value in values { list.append(bytes: bytes(value)) }
        }
    }
}

/// The version that a row of usage counts, within a slot.
struct UsageKey: Hashable, Comparable {
    let account: Int64
    let version: EventVersion.ID

    static func < (left: UsageKey, right: UsageKey) -> Bool {
        (left.account, left.version) < (right.account, right.version)
    }
}

extension AppendOutcome {
    /// Whether nothing is stored for a reason that this transaction found.
    fileprivate var isRefusal: Bool {
        switch self {
        case .notOpen, .refused: true
        case .stored, .duplicate, .conflict: false
        }
    }
}
