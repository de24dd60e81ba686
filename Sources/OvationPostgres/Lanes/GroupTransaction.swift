import OvationCore
import OvationRows

/// The values that one lane keeps from group to group. They belong to the lane's thread.
final class LaneMemory {
    private let knownMax: Int
    let forgetting: SharedForgetting
    var known: KnownProfiles
    /// Of the database that the connection is to.
    private(set) var lockedKeys = LockedKeys(serverSecret: [])
    /// The last look for old refused posts, by the time of the posts; nil: look with the next group.
    var lookedAt: Timestamp?
    /// The minute of the last events in the slot's rows of usage.
    var running: [UsageKey: RunningMinute] = [:]
    /// No counts are left of the minutes before this one.
    var forgotten = Int64.min

    /// - Parameter lanes: of the server, which share what may be known.
    init(limits: Limits, lanes: Int? = nil, forgetting: SharedForgetting) {
        self.forgetting = forgetting
        knownMax = limits.knownProfilesMax / max(lanes ?? limits.writerLanes, 1)
        known = KnownProfiles(countMax: knownMax)
    }

    /// Whether a group should look for old refused posts. Not each does: most of the time there are none.
    func isTimeToForget(at newest: Timestamp) -> Bool {
        guard let last = lookedAt else { return true }
        // After the clock went back, there is no reason to wait until it is where it was.
        return newest >= last.advanced(by: .seconds(10)) || newest < last
    }

    /// With each new connection: it may lead to an older state of the database, put back from a backup, that lacks
    /// profiles which were stored.
    /// - Parameter stateNumber: of the newest change of a state, asked for before anything is remembered.
    func forgetProfiles(stateNumber: Int64, serverSecret: [UInt8] = []) {
        lockedKeys = LockedKeys(serverSecret: serverSecret)
        known = KnownProfiles(countMax: knownMax, stateNumber: stateNumber)
    }
}

/// One try to store a group of posts in one transaction. Steps are round trips, and most groups need two:
///
/// 1. ``begin()`` takes locks, draws ids, claims idempotency keys, makes the profiles that are new.
/// 2. ``decide()`` asks about keys that somebody else has, and ``judge()`` about profiles whose state may have changed. It
///    refuses posts to those that take no events, and closes the rejections of replays.
/// 3. ``resolve()`` makes what profiles are still missing: of posts with an idempotency key, and after a collision.
///    ``readData()`` and ``readEdits()`` read what is still to be known of profiles that are changed, ``readMembers()`` who is
///    part of them, where that changes, and ``prepareErasures()`` what is removed together with a profile.
/// 4. ``commit()`` writes events, changes of profiles, usage and refused posts, and commits.
///
/// From step 1 on nobody changes the state of a profile: who does takes the lock of step 1 alone. See rule 18 of DESIGN.md.
///
/// If Citus spreads the tables, an insert that skips existing rows costs a round trip to each shard. So the lane looks
/// for profiles, and step 4 inserts the missing ones. If another server was faster, all of it is tried again. The lane
/// looks before step 1, outside the transaction (``lookUp()``): Citus commits in one phase on a node if each shard that
/// is written was read before in the same transaction. See rule 9 of DESIGN.md.
///
/// All groups write rows in one order, keys before profiles and each by rising key, so that two groups seldom wait for
/// each other in a circle. If they do, PostgreSQL ends one of them, and it is tried again.
final class GroupTransaction {
    let connection: PostgresConnection
    let posts: [QueuedWrite]
    let memory: LaneMemory
    let limits: Limits
    let slot: Int64
    /// Whether Citus spreads the tables.
    let isSpread: Bool
    /// nil: it is stored through the coordinator.
    let node: Node?

    /// What was decided of a post before its events were looked at; nil: it is to be stored.
    var outcomes: [AppendOutcome?]
    /// What became of changes of profiles, by the index of the post.
    var changeOutcomes: [Int: ProfileChangeOutcome] = [:]
    /// What is written of changes.
    var planned: [PlannedChange] = []
    var data = GroupData()
    /// What is written of profiles that are erased.
    var erasures: [PlannedErasure] = []
    /// Of their first acts in the audit trails, by account.
    var actNumbers: [Int64: Int64] = [:]
    /// Numbers for changes, where those in ``eventIDs`` were drawn too early.
    var changeIDs: IDBlocks?
    /// The states that these changes give profiles.
    var newStates: [Int64: ProfileState] = [:]
    /// Of the newest change of a state, as step 1 found it.
    var stateNumber: Int64?
    /// Of the newest one in this transaction.
    var newStateNumber: Int64?
    private(set) var rejectionIDs: [Rejection.ID] = []
    var eventIDs = IDBlocks()
    /// The events that the replays of rejections store.
    var replayed: [Claim: [ClosedRange<Int64>]] = [:]
    /// Whether this transaction may remove refused posts.
    private(set) var mayForget = false
    /// Profiles that the posts need, each once.
    var wanted: [Wanted] = []
    /// Indexes into ``wanted`` of those that step 4 makes, where the tables are spread.
    var made: [Int] = []
    /// Indexes into ``wanted``, by post.
    private(set) var needs: [[Int]] = []
    /// What tells whether it was stored: its first event, or its first refused post.
    var mark: Mark?

    /// The values of the slot's rows of usage after this commit.
    var running: [UsageKey: RunningMinute] = [:]
    /// Counts by the minute that are not in those rows.
    var activity = ActivityTally()
    /// The number of the transaction, if it was asked for: the transaction may write no other row to look for.
    private(set) var transactionID: Int64?

    enum Mark {
        case event(profile: Int64, section: Int64, time: Int64, id: Int64)
        case rejection(account: Int64, id: Rejection.ID)
        case transaction(Int64)
        case change(profile: Int64, position: Int64)
    }

    struct Wanted {
        let address: KnownProfiles.Address
        let createdAt: Timestamp
        /// Where to look next.
        var candidate: ProfileID
        /// Its id, when it is certain.
        var id: Int64?
        var isConditional: Bool
        /// Whether it is to be known if this transaction made it: a change asks.
        var isChanged = false
        /// This transaction made it, and ``isChanged`` is set.
        var isMade = false
        var isNew = true
        /// The candidate id was free when it was looked for.
        var isFree = false
        var state = ProfileState.open
        /// It was made in step 1 for a post that is refused, and goes again.
        var isUnmade = false

        /// Looks further on the path of ids: the profile there has been erased, and the key is not its key any more.
        mutating func leave(_ erased: Int64) {
            (id, candidate) = (nil, ProfileID(erased).afterCollision)
            (isNew, isFree, isMade, state) = (true, false, false, .open)
        }
    }

    init(
        _ posts: [QueuedWrite], on connection: PostgresConnection, slot: Int64, isSpread: Bool, _ memory: LaneMemory,
        _ limits: Limits, node: Node? = nil
    ) {
        self.node = node
        self.posts = posts
        self.connection = connection
        self.slot = slot
        self.isSpread = isSpread
        self.memory = memory
        self.limits = limits
        outcomes = Array(repeating: nil, count: posts.count)
    }

    func run() throws(PostgresFailure) {
        collectProfiles()
        do throws(PostgresFailure) {
            if let node { try runOnNode(node) } else { try runThroughCoordinator() }
        } catch {
            // Another transaction was faster to make a profile, or the row of what one holds.
            guard isSpread && error.isUnclearOfNode || addsData && error.isDuplicate else { throw error }
            throw PostgresFailure(state: "40001", message: error.description)
        }
        for wanted in wanted where wanted.isNew && wanted.state == .open && !wanted.isUnmade {
            if let id = wanted.id { memory.known.add(wanted.address, id) }
        }
        if let newStateNumber { memory.known.note(newStates, upTo: newStateNumber) }
        memory.running.merge(running) { $1 }
    }

    private func runThroughCoordinator() throws(PostgresFailure) {
        try lookUp()
        try begin()
        try decide()
        try judge()
        try closeRejections()
        try resolve()
        try readData()
        try readMembers()
        try readEdits()
        decideChanges()
        try prepareErasures()
        try commit()
    }

    /// The profiles of a post, in the order in which it needs them.
    func profiles(of post: Int) -> [Int64] {
        needs[post].map { wanted[$0].id ?? 0 }
    }

    func mustStore(_ post: Int) -> Bool { outcomes[post] == nil }

    /// One profile more that a post needs.
    func need(_ new: Wanted, of post: Int) {
        needs[post].append(wanted.count)
        wanted.append(new)
    }
}

// MARK: - Step 1

extension GroupTransaction {
    private func collectProfiles() {
        var indexes: [KnownProfiles.Address: Int] = [:]
        func need(_ address: KnownProfiles.Address, _ founding: ProfileID, of post: QueuedWrite) -> Int {
            if let index = indexes[address] {
                wanted[index].isConditional = wanted[index].isConditional && post.isConditional
                return index
            }
            let id = memory.known.id(of: address)
            indexes[address] = wanted.count
            wanted.append(
                Wanted(
                    address: address, createdAt: post.receivedAt, candidate: founding, id: id,
                    isConditional: post.isConditional, isNew: id == nil,
                    state: id.map { memory.known.state(of: $0) } ?? .open))
            return wanted.count - 1
        }
        for post in posts {
            switch post {
            case .append(let batch, _):
                // A lenient post may have no events left; then it makes no profile.
                let profile = batch.profile
                needs.append(
                    batch.events.isEmpty
                        ? [] : [need(KnownProfiles.Address(profile), profile.foundingID, of: post)])
            case .keep, .count: needs.append([])
            case .change(let change, _):
                let own = need(KnownProfiles.Address(change.profile), change.profile.foundingID, of: post)
                wanted[own].isChanged = true
                let other = change.other.map { need(KnownProfiles.Address($0), $0.foundingID, of: post) }
                needs.append([own] + (other.map { [$0] } ?? []))
            case .appendChunk(let chunk, _):
                needs.append(
                    chunk.profiles.map { profile in
                        let key = String(decoding: chunk.keys[profile.key], as: UTF8.self)
                        return need(
                            KnownProfiles.Address(account: chunk.account, keyspace: profile.keyspace, key: key),
                            profile.foundingID, of: post)
                    })
            }
        }
    }

    /// A round trip before the transaction, if the tables are spread and a profile is not known to be stored.
    private func lookUp() throws(PostgresFailure) {
        while isSpread, hasUnasked {
            try find { _ in }
        }
    }

    private func begin() throws(PostgresFailure) {
        var round = Round()
        round.add(Command(.begin))
        if posts.contains(where: \.touchesState) {
            round.add(Command(Locks.awaitOrderBriefly))
            // While it waits for these, others store their groups.
            for account in erasedAccounts { round.add(Command(Locks.log) { $0.add(account) }) }
            // No other group is under way, and none begins until this one is over.
            round.add(Command(Locks.awaitOrder))
            addNodeLocks(to: &round)
        } else {
            round.add(Command(Locks.shareOrder))
        }
        let locked = lockData().map { round.add($0) }
        let positions = posts.reduce(0) { $0 + $1.positions }
        let eventDraw = positions == 0 ? nil : round.add(drawEvents(positions))
        let refused = posts.count(where: \.isRefused)
        let mayTry = refused == 0 && isTimeToForget ? round.add(Command(Locks.tryRejections)) : nil
        if refused > 0 { round.add(Command(Locks.rejections)) }
        let rejectionDraw =
            refused == 0 ? nil : round.add(Command(WriteSQL.drawRejections) { $0.add(Int64(refused)) })
        let claimed = claimKeys().map { round.add($0) }
        let number = posts.contains(where: \.mayLeaveNoRow) ? round.add(Command(WriteSQL.transactionID)) : nil
        let find = isSpread ? nil : addProfiles(to: &round, inserting: { !$0.isConditional })

        let results = try connection.run(round.commands)
        try note(data: locked.map { results[$0] })
        if let eventDraw {
            eventIDs = IDBlocks(starts: results[eventDraw].column(0).sorted())
            stateNumber = results[eventDraw].int64(0, 1)
        }
        if let rejectionDraw { rejectionIDs = results[rejectionDraw].column(0).sorted() }
        mayForget = refused > 0 || mayTry.map { results[$0].bool(0, 0) } ?? false
        // Another lane does it just now.
        if mayTry != nil, !mayForget { memory.lookedAt = posts.map(\.receivedAt).max() }
        if let number { transactionID = results[number].int64(0, 0) }
        if let claimed { note(claimed: results[claimed]) }
        if let find { note(found: results[find.rows], made: find.made.map { results[$0] }) }
    }

    /// So many numbers.
    func drawEvents(_ count: Int) -> Command { Command(WriteSQL.drawEvents) { $0.add(blocks(of: count)) } }

    func blocks(of count: Int) -> Int64 { (Int64(count) + Schema.eventBlock - 1) / Schema.eventBlock }

    private var isTimeToForget: Bool { posts.map(\.receivedAt).max().map { memory.isTimeToForget(at: $0) } ?? true }

    // MARK: Keys

    private func claimKeys() -> Command? {
        let keyed = posts.compactMap { post in post.idempotency.map { (post, $0) } }
            .sorted { ($0.0.account, $0.1.key) < ($1.0.account, $1.1.key) }
        guard let newest = keyed.map(\.0.receivedAt).max() else { return nil }
        let oldest = memory.forgetting.time(newest).advanced(by: .zero - limits.idempotencyLifetime)
        return Command(WriteSQL.claimKeys) {
            $0.add(keyed.map(\.0.account))
            $0.add(keyed.map(\.1.key))
            $0.addList(of: .bytes, count: keyed.count) { list in
                for (_, idempotency) in keyed { list.append(bytes: idempotency.fingerprint) }
            }
            $0.addList(of: .bytes, count: keyed.count) { list in
                for (_, idempotency) in keyed { list.append(bytes: idempotency.answer) }
            }
            $0.add(keyed.map(\.0.receivedAt.milliseconds))
            $0.add(oldest.milliseconds)
            // The same as the key if there was no former one.
            $0.add(keyed.map { $0.1.formerKey ?? $0.1.key })
        }
    }

    /// Posts with a key that another post claimed are conflicts, until the meaning of the key is known.
    private func note(claimed rows: PostgresResult) {
        let ours = Set((0..<rows.count).map { Claim.key(account: rows.int64($0, 0), rows.text($0, 1)) })
        for (index, post) in posts.enumerated() {
            guard let key = post.idempotency?.key, !ours.contains(.key(account: post.account, key)) else { continue }
            outcomes[index] = .conflict
        }
    }
}

// MARK: - Steps 2 and 3

extension GroupTransaction {
    private func decide() throws(PostgresFailure) {
        let taken = posts.indices.filter { outcomes[$0] == .conflict }
        if !taken.isEmpty {
            let results = try connection.run([findCommand(of: taken), Command(WriteSQL.transactionID)])
            let rows = results[0]
            transactionID = results[1].int64(0, 0)
            var places: [Claim: Int] = [:]
            for row in 0..<rows.count { places[.key(account: rows.int64(row, 0), rows.text(row, 1))] = row }
            for index in taken {
                let post = posts[index]
                guard let idempotency = post.idempotency else { continue }
                let former = idempotency.formerKey.flatMap { places[.key(account: post.account, $0)] }
                guard let row = places[.key(account: post.account, idempotency.key)] ?? former else {
                    // The key was removed meanwhile: the next try finds it free.
                    throw PostgresFailure(state: "40001", message: "an idempotency key went meanwhile")
                }
                guard rows.bytes(row, 2) == idempotency.fingerprint else { continue }
                outcomes[index] = .duplicate(answer: rows.bytes(row, 3))
            }
        }
    }

    /// By both names that a key can have.
    private func findCommand(of indexes: [Int]) -> Command {
        let names = indexes.flatMap { index in
            [posts[index].idempotency?.key, posts[index].idempotency?.formerKey].compactMap { $0 }
                .map { (posts[index].account, $0) }
        }
        return Command(WriteSQL.findKeys) {
            $0.add(names.map(\.0))
            $0.add(names.map(\.1))
        }
    }

    func keyCommand(_ statement: Statement, of indexes: [Int]) -> Command {
        Command(statement) {
            $0.add(indexes.map { posts[$0].account })
            $0.add(indexes.compactMap { posts[$0].idempotency?.key })
        }
    }

    private func closeRejections() throws(PostgresFailure) {
        let replays = posts.indices.filter { mustStore($0) && posts[$0].replayOf != nil }
            .sorted { (posts[$0].account, posts[$0].replayOf ?? 0) < (posts[$1].account, posts[$1].replayOf ?? 0) }
        guard !replays.isEmpty else { return }
        let rows = try connection.run(WriteSQL.closeRejections) {
            $0.add(replays.map { posts[$0].account })
            $0.add(replays.compactMap { posts[$0].replayOf })
            $0.add(replays.map { posts[$0].receivedAt.milliseconds })
        }
        let closed = Set((0..<rows.count).map { Claim.rejection(account: rows.int64($0, 0), rows.int64($0, 1)) })
        for index in replays {
            guard let id = posts[index].replayOf else { continue }
            if !closed.contains(.rejection(account: posts[index].account, id)) { outcomes[index] = .notOpen }
        }
    }
}

/// The commands of one round trip, with their places.
struct Round {
    private(set) var commands: [Command] = []

    @discardableResult
    mutating func add(_ command: Command) -> Int {
        commands.append(command)
        return commands.count - 1
    }
}

/// Ids that were drawn for one transaction, given out in their order.
struct IDBlocks {
    private let starts: [Int64]
    private var given: Int64 = 0

    init(starts: [Int64] = []) {
        self.starts = starts
    }

    mutating func next() -> Int64 {
        defer { given += 1 }
        return starts[Int(given / Schema.eventBlock)] + given % Schema.eventBlock
    }
}

extension PostgresResult {
    /// A column of `bigint`.
    func column(_ column: Int) -> [Int64] { (0..<count).map { int64($0, column) } }
}
