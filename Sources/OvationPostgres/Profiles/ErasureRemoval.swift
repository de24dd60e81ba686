import OvationCore
import OvationRows

/// Removes what is stored of erased profiles, in transactions of a bounded number of rows. It belongs to one connection, and may
/// be left at any point: another one goes on with what is there.
final class ErasureRemoval {
    /// What a step came to.
    enum Step {
        case removed
        /// Nothing is left to do.
        case none
        /// Another server is at it.
        case elsewhere
    }

    private struct Erasure {
        let position: Int64
        /// The canonical member.
        let root: Int64
        /// The member that is removed now. The others go first, since the canonical one names them.
        let profile: Int64
        let account: Int64
        /// Behind the events that were removed: to begin at the first each time would be to pass over all that were.
        var place = Place.start
    }

    /// Of an event in the timelines of its profile.
    private struct Place: Equatable {
        let section: Int64
        let time: Int64
        let id: Int64

        static let start = Place(section: .min, time: .min, id: .min)
    }

    private let connection: PostgresConnection
    private let slot: Int64
    private let rowsMax: Int
    /// Of erasures that cannot be completed, since something of the profile cannot be read.
    private(set) var damaged: Set<Int64>
    private var current: Erasure?

    /// A step may meet large events on a slow disk.
    private static let patience = Duration.seconds(20)

    /// - Parameters:
    ///   - slot: of usage, which no other connection has.
    ///   - damaged: positions of erasures to leave out.
    init(_ connection: PostgresConnection, slot: Int64, rowsMax: Int, leaving damaged: Set<Int64>) {
        (self.connection, self.slot, self.rowsMax, self.damaged) = (connection, slot, rowsMax, damaged)
    }

    static func isOpen(_ connection: PostgresConnection, but damaged: Set<Int64>) throws(PostgresFailure) -> Bool {
        try connection.run(ErasureSQL.open) { $0.add(damaged.sorted()) }.count == 1
    }

    /// Removes some rows of the oldest erasure that is not complete.
    func step(at now: Timestamp) throws(PostgresFailure) -> Step {
        let rows = try connection.run(ErasureSQL.open) { $0.add(damaged.sorted()) }
        guard rows.count == 1 else { return .none }
        let (position, root, account) = (rows.int64(0, 0), rows.int64(0, 1), rows.int64(0, 2))
        let next = try connection.run(MemberSQL.next) { $0.add(root) }
        let profile = next.count == 1 ? next.int64(0, 0) : root
        if current?.position != position || current?.profile != profile {
            current = Erasure(position: position, root: root, profile: profile, account: account)
        }
        guard var erasure = current else { return .none }
        do throws(PostgresFailure) {
            // Outside the transaction: on Citus, no node is read in one that writes to it. Nobody adds to the profile.
            let end = try end(of: &erasure)
            guard try begin() else { return .elsewhere }
            if let end {
                try removeEvents(of: erasure, through: end)
                erasure.place = end
                current = erasure
            } else if try !removeData(of: erasure) {
                try finish(erasure, at: now)
            }
            return .removed
        } catch {
            if error.isDamage { damaged.insert(erasure.position) }
            throw error
        }
    }

    /// Nothing is left of a member. With the canonical one, nothing is left of the profile.
    private func finish(_ erasure: Erasure, at now: Timestamp) throws(PostgresFailure) {
        var commands = [Command(MemberSQL.remove) { $0.add([erasure.profile]) }]
        if erasure.profile == erasure.root {
            commands.append(
                Command(ErasureSQL.complete) {
                    $0.add(erasure.position)
                    $0.add(now.milliseconds)
                })
        }
        try commit(commands)
    }

    /// - Returns: false: another server removes something just now.
    private func begin() throws(PostgresFailure) -> Bool {
        let results = try connection.run([Command(.begin), Command(Locks.tryErasures)])
        guard !results[1].bool(0, 0) else { return true }
        try connection.rollBackIfNeeded()
        return false
    }

    private func commit(_ commands: [Command]) throws(PostgresFailure) {
        try connection.run(commands + [Command(.commit)], patience: ErasureRemoval.patience)
    }

    private func count(
        of erasure: Erasure, events: Int64 = 0, held: HeldCounts = HeldCounts(), changes: Int64 = 0
    ) -> Command {
        Command(ErasureSQL.count) {
            for number in [erasure.position, events, held.values, held.tags, changes, held.consents] { $0.add(number) }
        }
    }
}

// MARK: - Events

extension ErasureRemoval {
    /// Where the next events to remove end; nil: there are no more.
    private func end(of erasure: inout Erasure) throws(PostgresFailure) -> Place? {
        while true {
            let place = erasure.place
            let rows = try connection.run(ErasureSQL.lastOfStep) {
                for number in [erasure.profile, place.section, place.time, place.id, Int64(rowsMax)] { $0.add(number) }
            }
            if rows.count > 0 {
                return Place(section: rows.int64(0, 0), time: rows.int64(0, 1), id: rows.int64(0, 2))
            }
            guard place != .start else { return nil }
            // The last look is at all of them.
            erasure.place = .start
        }
    }

    private func removeEvents(of erasure: Erasure, through end: Place) throws(PostgresFailure) {
        let removal = Command(ErasureSQL.removeEvents) {
            $0.add(erasure.profile)
            for place in [erasure.place, end] {
                for number in [place.section, place.time, place.id] { $0.add(number) }
            }
        }
        let gone = try connection.run([removal], patience: ErasureRemoval.patience)[0]
        let counts = (0..<gone.count).map { (version: gone.int64($0, 0), events: gone.int64($0, 1)) }
            .sorted { $0.version < $1.version }
        try commit([
            count(of: erasure, events: counts.reduce(0) { $0 + $1.events }),
            Command(WriteSQL.subtractUsage) {
                $0.add(slot)
                $0.add(counts.map { _ in erasure.account })
                $0.add(counts.map(\.version))
                $0.add(counts.map(\.events))
            },
        ])
    }
}

// MARK: - What it held

extension ErasureRemoval {
    /// The changes of one section, from the newest on, since each leads to those before it; and the index, which leads to the
    /// newest, as it is then.
    /// - Returns: false: nothing is left, and the transaction is still open.
    private func removeData(of erasure: Erasure) throws(PostgresFailure) -> Bool {
        let rows = try connection.run([
            Command(ErasureSQL.data) { $0.add(erasure.profile) }, Command(MappedValueSQL.all),
        ])
        guard rows[0].count == 1 else { return false }
        let section = rows[0].int64(0, 0)
        guard var index = rows[0].withBytes(0, 1, { FieldIndex(bytes: $0) }) else {
            throw .damaged("what an erased profile held cannot be read")
        }
        let mapped = try MappedValueRows.mapped(rows[1])[erasure.account] ?? MappedAttributes()
        var (removed, held) = ([Int64](), HeldCounts())
        var values: [MappedValueRows.Owned] = []
        var known: [Int64: PackedEdits] = [:]
        while removed.count < rowsMax, let position = index.newestPosition {
            if known[position] == nil { try read(index, of: erasure, to: &known) }
            guard let edits = known[position] else { throw .damaged("a change of an erased profile is missing") }
            let taken = index.takeBack(edits, at: position)
            values += edits.mappedValues(of: taken, in: erasure.profile, mapped).map { (erasure.account, $0) }
            held.add(taken, of: edits)
            removed.append(position)
        }
        let isEmpty = index.newestPosition == nil
        try commit([
            Command(ErasureSQL.removeChanges) { $0.add(removed.sorted()) }, MappedValueRows.remove(values),
            isEmpty
                ? Command(ErasureSQL.removeData) {
                    $0.add(erasure.profile)
                    $0.add(section)
                }
                : Command(DataSQL.save) {
                    $0.add([erasure.profile])
                    $0.add([section])
                    $0.add(bytesOf: [index]) { $0.bytes }
                },
            count(of: erasure, held: held, changes: Int64(removed.count)),
        ])
        return true
    }

    /// All that the index leads to, in one round trip.
    private func read(
        _ index: FieldIndex, of erasure: Erasure, to known: inout [Int64: PackedEdits]
    ) throws(PostgresFailure) {
        let positions = Set(index.entries.map(\.position)).filter { known[$0] == nil }.sorted()
        let rows = try connection.run(ErasureSQL.changes) {
            $0.add(positions)
            $0.add(erasure.profile)
        }
        for row in 0..<rows.count {
            guard let edits = rows.withBytes(row, 1, { PackedEdits(bytes: $0) }) else {
                throw .damaged("a change of an erased profile cannot be read")
            }
            known[rows.int64(row, 0)] = edits
        }
    }
}
