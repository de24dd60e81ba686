import GRDB
import OvationCore
import OvationRows

extension StoreAudit {
    /// A profile is found by each value of a mapped attribute that a member holds, and by no other.
    static func valueFaults(_ database: Database) throws -> [String] {
        // A store of an older version is checked when a server has brought it up to date.
        guard try database.tableExists("profile_value") else { return [] }
        let find = try PreparedStatement(
            database,
            "SELECT 1 FROM profile_value WHERE account_id = ?1 AND attribute = ?2 AND value = ?3 AND profile_id = ?4")
        var (held, missing) = (0, 0)
        try MappedValueRows.forEach(database) { account, value in
            held += 1
            find.bind(account, value)
            if try !find.nextRow() { missing += 1 }
            find.reset()
        }
        let count = try Int.fetchOne(database, sql: "SELECT count(*) FROM profile_value") ?? 0
        let strays = count - (held - missing)
        return (missing > 0 ? ["\(missing) values of profiles are not found"] : [])
            + (strays > 0 ? ["\(strays) values are found that no profile holds"] : [])
    }
}
