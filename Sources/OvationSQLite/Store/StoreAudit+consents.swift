import GRDB
import OvationCore
import OvationRows

/// The counts of consents are those of what profiles hold.
extension StoreAudit {
    static func consentFaults(_ database: Database) throws -> [String] {
        // A store of an older version is checked when a server has brought it up to date.
        guard try database.tableExists("consent_count") else { return [] }
        let rows = try PreparedStatement(
            database, "SELECT account_id, section, place, type, profiles FROM consent_count WHERE profiles <> 0")
        var (stored, unknown): ([ConsentCountKey: Int64], Int) = ([:], 0)
        while try rows.nextRow() {
            guard let type = ConsentType(rawValue: rows.int64(3)) else {
                unknown += 1
                continue
            }
            let key = ConsentCountKey(
                account: rows.int64(0), section: rows.int64(1), place: rows.int64(2), type: type)
            stored[key] = rows.int64(4)
        }
        var differences = unknown
        for (key, profiles) in try ConsentCountRows.recount(database).changed
        where stored.removeValue(forKey: key) != profiles {
            differences += 1
        }
        differences += stored.count
        return differences > 0 ? ["\(differences) counts of consents differ from what profiles hold"] : []
    }
}
