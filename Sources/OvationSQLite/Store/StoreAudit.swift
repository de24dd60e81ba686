import Foundation
import GRDB
import OvationCore
import OvationRows

/// Reads everything in a store and compares its parts with each other: pages, rows, timelines, counts. It takes as long
/// as reading the file.
///
/// It says what is wrong, and not what was there: that is the purpose of backups.
struct StoreAudit {
    /// Sentences for the operator; none if everything is as it was written. At most a hundred.
    private(set) var faults: [String] = [] {
        didSet { if faults.count > StoreAudit.faultsMax { faults.removeLast(faults.count - StoreAudit.faultsMax) } }
    }
    private(set) var events = 0
    private(set) var profiles = 0

    private static let faultsMax = 100
    private let database: Database

    /// In one transaction, so that all parts are of one moment.
    init(_ database: Database) throws {
        self.database = database
        // A part that cannot be read is one fault, and the other parts are still checked.
        try look("pages") { try $0.readPages() }
        try look("events") { try $0.readEvents() }
        try look("profiles") { try $0.readProfiles() }
        try look("changes of profiles") { try $0.compareChanges() }
        try look("what profiles hold") { try $0.compareData() }
        try look("values of profiles") { $0.faults += try StoreAudit.valueFaults(database) }
        try look("counts of consents") { $0.faults += try StoreAudit.consentFaults(database) }
        try look("members of profiles") { $0.faults += try StoreAudit.memberFaults(database) }
        try look("erasures") { $0.faults += try StoreAudit.erasureFaults(database) }
        try look("timelines") { try $0.compareTimelines() }
        try look("counts of events") { try $0.compareUsage() }
        try look("definitions") { try $0.readDefinitions() }
        try look("refused posts") { try $0.readRejections() }
    }

    private mutating func look(_ part: String, _ work: (inout StoreAudit) throws -> Void) throws {
        do {
            try work(&self)
        } catch {
            let failure = StoreFailure(error)
            guard [.damaged, .unusable].contains(failure.code) else { throw failure }
            faults.append("\(part) cannot be read: \(failure.message)")
        }
    }

    private mutating func readPages() throws {
        // Also entries of indexes without a row, and rows without an entry.
        let verdicts = try String.fetchAll(database, sql: "PRAGMA integrity_check(10)")
        if verdicts != ["ok"] { faults += verdicts.map { "SQLite finds: \($0)" } }
    }

    private mutating func readEvents() throws {
        let statement = try PreparedStatement(
            database, "SELECT event_id, json_valid(data) FROM event WHERE event_id >= ?1 ORDER BY event_id")
        let last = try StoreOpening.progress(database).event
        // Each round begins after the one before, so it ends.
        var next: Int64 = 1
        while true {
            statement.bind(1, next)
            do {
                while try statement.nextRow() {
                    let id = statement.int64(0)
                    events += 1
                    if statement.int64(1) == 0 { faults.append("the data of event \(id) is no JSON") }
                    next = id + 1
                }
                statement.reset()
                break
            } catch {
                let failure = StoreFailure(error)
                guard failure.code == .damaged, let behind = try firstReadable(after: next, upTo: last) else {
                    throw failure
                }
                faults.append("events from \(next) to \(behind - 1) cannot be read: \(failure.message)")
                next = behind
            }
        }
        if next > last + 1 { faults.append("event \(next - 1) has an id that was never given") }
    }

    /// Ids that are tried one by one after a damaged page.
    private static let gapMax: Int64 = 100_000

    /// The next event after a damaged page; nil if there is none within a few pages.
    private func firstReadable(after position: Int64, upTo last: Int64) throws -> Int64? {
        let statement = try PreparedStatement(database, "SELECT event_id FROM event WHERE event_id = ?1")
        var id = position + 1
        while id <= min(last, position + StoreAudit.gapMax) {
            statement.bind(1, id)
            do {
                if try statement.nextRow() {
                    statement.reset()
                    return id
                }
            } catch  where StoreFailure(error).code == .damaged {}
            statement.reset()
            id += 1
        }
        return id > last ? last + 1 : nil
    }

    private mutating func readProfiles() throws {
        (_, profiles) = try SQLiteDoctor.counts(database)
        // In a store of an older version, all profiles are in their final place.
        guard try database.tableExists("profile_arrival") else { return }
        let strays = try Int.fetchOne(
            database,
            sql: """
                SELECT count(*) FROM (SELECT DISTINCT profile_id FROM event) AS seen
                WHERE NOT EXISTS (SELECT 1 FROM profile WHERE profile.profile_id = seen.profile_id)
                    AND seen.profile_id NOT IN (SELECT profile_id FROM profile_arrival)
                """)
        if let strays, strays > 0 { faults.append("\(strays) profiles are missing, but their events are there") }
    }

    /// The state of each profile is what the newest of its changes says, in the only row that it has.
    private mutating func compareChanges() throws {
        guard try database.tableExists("profile_change") else { return }
        for (sql, fault) in StoreAudit.changeFaults {
            let count = try Int.fetchOne(database, sql: sql) ?? 0
            if count > 0 { faults.append("\(count) \(fault)") }
        }
    }

    private static let changeFaults: [(sql: String, fault: String)] = [
        (
            """
            SELECT count(*) FROM profile_change AS change WHERE NOT EXISTS
                (SELECT 1 FROM profile WHERE profile.profile_id = change.profile_id
                    AND profile.account_id = change.account_id)
                AND (profile_id, account_id) NOT IN (SELECT profile_id, account_id FROM profile_arrival)
            """, "changes are of profiles that are missing"
        ),
        (
            """
            SELECT count(*) FROM profile LEFT JOIN
                (SELECT profile_id, state, max(position) FROM profile_change WHERE state IS NOT NULL
                    GROUP BY profile_id) AS newest USING (profile_id)
            WHERE profile.state <> ifnull(newest.state, 0)
            """, "profiles have another state than their changes say"
        ),
        (
            """
            SELECT count(*) FROM profile_arrival JOIN profile USING (profile_id) WHERE profile.state <> 0
            """, "profiles take no events, and arrived ones of the same id do"
        ),
        (
            "SELECT count(*) FROM profile_change JOIN event ON event_id = position",
            "changes of profiles have the number of an event"
        ),
    ]

    /// What each profile holds is what its changes say: the indexes are made anew from them, side by side with those that
    /// are stored.
    private mutating func compareData() throws {
        guard try database.tableExists("profile_data") else { return }
        // What is left of an erased profile goes step by step: see erasureFaults.
        let changes = try PreparedStatement(
            cached: database.cachedStatement(
                sql: """
                    SELECT profile_id, ifnull(section, 0), position, edits, kind, section IS NULL FROM profile_change
                    WHERE profile_id NOT IN (SELECT profile_id FROM profile WHERE \(StoreAudit.isGone)) ORDER BY 1, 2, 3
                    """))
        let stored = try PreparedStatement(
            cached: database.cachedStatement(
                sql: """
                    SELECT profile_id, section, fields FROM profile_data
                    WHERE profile_id NOT IN (SELECT profile_id FROM profile WHERE \(StoreAudit.isGone))
                    ORDER BY profile_id, section
                    """))
        var (differences, gaps) = (0, 0)
        var hasStored = try stored.nextRow()
        func end(_ place: (Int64, Int64), _ index: FieldIndex) throws {
            while hasStored, (stored.int64(0), stored.int64(1)) < place {
                differences += 1
                hasStored = try stored.nextRow()
            }
            let isThere = hasStored && (stored.int64(0), stored.int64(1)) == place
            if !isThere || stored.withBytes(2, { !$0.elementsEqual(index.bytes) }) { differences += 1 }
            if isThere { hasStored = try stored.nextRow() }
        }
        var (place, index): ((Int64, Int64)?, FieldIndex) = (nil, FieldIndex())
        while try changes.nextRow() {
            let next = (changes.int64(0), changes.int64(1))
            if let place, place != next {
                try end(place, index)
                index = FieldIndex()
            }
            place = next
            let position = changes.int64(2)
            let edits = changes.withBytes(3) { PackedEdits(bytes: $0) }
            let isWhole = changes.int64(5) == 1
            guard let edits, edits.edits.allSatisfy({ ($0.field == .life) == isWhole }),
                // Of all sections together a profile has consents, and nothing else.
                isWhole || next.1 != 0 || edits.edits.allSatisfy({ $0.field.kind == .consent }),
                (changes.text(4) == ProfileChange.Kind.updated.rawValue) != isWhole, index.replay(edits, at: position)
            else {
                gaps += 1
                continue
            }
        }
        if let place { try end(place, index) }
        while hasStored {
            differences += 1
            hasStored = try stored.nextRow()
        }
        if gaps > 0 { faults.append("\(gaps) changes of profiles do not follow the ones before") }
        if differences > 0 { faults.append("what profiles hold differs from their changes in \(differences) places") }
    }

    /// An entry for each event, and an event for each entry: two sums of hashes, which do not depend on the order.
    private mutating func compareTimelines() throws {
        guard try database.tableExists("timeline_run") else { return }
        let through =
            try Int64.fetchOne(database, sql: "SELECT max(last_event) FROM timeline_run WHERE state = 1") ?? 0
        var (expected, found) = (Tally(), Tally())
        let events = try PreparedStatement(
            database,
            "SELECT profile_id, section, event_time, event_id, version_id FROM event WHERE event_id <= ?1")
        events.bind(1, through)
        while try events.nextRow() {
            var entry = events.key(0)
            entry.version = events.int64(4)
            expected.add(entry)
        }
        let blocks = try PreparedStatement(
            database,
            """
            SELECT run, profile_id, section, event_time, event_id, entries FROM timeline
            WHERE run IN (SELECT run FROM timeline_run WHERE state = 1)
            """)
        while try blocks.nextRow() {
            let key = blocks.key(1)
            var previous: TimelineEntry?
            try blocks.withBytes(5) { bytes in
                try TimelineBlock.forEach(bytes) { entry in
                    if let previous, !(previous < entry) { found.isDisordered = true }
                    if previous == nil, entry < key { found.isDisordered = true }
                    previous = entry
                    found.add(entry)
                }
            }
        }
        if found.isDisordered { faults.append("a timeline is out of order") }
        if expected.count != found.count {
            faults.append("timelines have \(found.count) entries for \(expected.count) events")
        } else if expected.sum != found.sum {
            faults.append("timelines have other entries than there are events")
        }
    }

    private struct Tally {
        var count = 0
        var sum: UInt64 = 0
        var isDisordered = false

        mutating func add(_ entry: TimelineEntry) {
            count += 1
            var hash: UInt64 = 0xCBF2_9CE4_8422_2325
            for value in [entry.profile, entry.section, entry.eventTime, entry.eventID, entry.version] {
                hash = (hash ^ UInt64(bitPattern: value)) &* 0x9FB2_1C65_1E98_DF25
                hash ^= hash >> 32
            }
            sum &+= hash
        }
    }

    private mutating func compareUsage() throws {
        guard try database.tableExists("version_usage") else { return }
        let rows = try Row.fetchAll(
            database,
            sql: """
                SELECT version_id, sum(counted), sum(noted) FROM (
                    SELECT version_id, count(*) AS counted, 0 AS noted FROM event GROUP BY version_id
                    UNION ALL SELECT version_id, 0, events FROM version_usage)
                GROUP BY version_id HAVING sum(counted) <> sum(noted)
                """)
        for row in rows {
            let (version, counted, noted): (Int64, Int64, Int64) =
                (try row.decode(atIndex: 0), try row.decode(atIndex: 1), try row.decode(atIndex: 2))
            faults.append("of version \(version) there are \(counted) events, and \(noted) were counted")
        }
    }

    private mutating func readDefinitions() throws {
        guard try database.columns(in: "api_key").contains(where: { $0.name == "settings_hash" }) else { return }
        // Up to migration 006 the log of definitions had notes of acts, and its sequence counted both.
        let hasActs = try database.tableExists("act")
        let log = try AccountRows.definitions(database, where: hasActs ? "true" : "json_type(change, '$.note') IS NULL")
        _ = try AccountRows.apiKeys(database)
        for account in try AccountRows.accounts(database) {
            do {
                _ = try Catalogue(account: account, definitions: log[account.number] ?? [], lastSequence: 0)
            } catch {
                faults.append("the definitions of account \(account.number) do not fit together: \(error.detail)")
            }
            if try hasGaps(account.number, column: hasActs ? "number" : "sequence", hasActs: hasActs) {
                faults.append("the log of account \(account.number) has gaps")
            }
        }
    }

    /// Whether the numbers of an account's audit trail are not 1, 2, 3, … each once.
    private func hasGaps(_ account: Int64, column: String, hasActs: Bool) throws -> Bool {
        let definitions = "SELECT \(column) AS entry FROM catalogue_log WHERE account_id = ?1"
        let acts = hasActs ? " UNION ALL SELECT number FROM act WHERE account_id = ?1" : ""
        return try Bool.fetchOne(
            database,
            sql:
                "SELECT count(*) <> ifnull(max(entry), 0) OR count(DISTINCT entry) <> count(*) FROM (\(definitions)\(acts))",
            arguments: [account]) ?? false
    }

    private mutating func readRejections() throws {
        guard try database.tableExists("rejection") else { return }
        let bad = try Int.fetchOne(
            database, sql: "SELECT count(*) FROM rejection WHERE NOT json_valid(errors) OR length(body) IS NULL")
        if let bad, bad > 0 { faults.append("\(bad) refused posts cannot be read") }
    }
}
