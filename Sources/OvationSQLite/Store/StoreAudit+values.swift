import GRDB
import OvationCore
import OvationRows

extension StoreAudit {
    /// A profile is found by each value of a mapped attribute that a member holds, and by no other.
    static func valueFaults(_ database: Database) throws -> [String] {
        // A store of an older version is checked when a server has brought it up to date.
        guard try database.tableExists("profile_value"),
            try database.columns(in: "mapped_attribute").contains(where: { $0.name == "state" })
        else { return [] }
        // Of an attribute that is being mapped or unmapped, some values are there and some are not.
        let mapped = try MappedValueRows.stored(database).mapValues { account in
            MappedAttributes(custom: account.mappings.filter { $0.value.state == .whole }.mapValues(\.format))
        }
        let find = try PreparedStatement(
            database,
            "SELECT 1 FROM profile_value WHERE account_id = ?1 AND attribute = ?2 AND value = ?3 AND profile_id = ?4")
        var (held, missing) = (0, 0)
        try MappedValueRows.forEach(database, mapped) { account, value in
            held += 1
            find.bind(account, value)
            if try !find.nextRow() { missing += 1 }
            find.reset()
        }
        let count = try Int.fetchOne(database, sql: countWhole) ?? 0
        let strays = count - (held - missing)
        return (missing > 0 ? ["\(missing) values of profiles are not found"] : [])
            + (strays > 0 ? ["\(strays) values are found that no profile holds"] : [])
    }

    private static let countWhole = """
        SELECT count(*) FROM profile_value AS held WHERE NOT EXISTS (SELECT 1 FROM mapped_attribute AS mapped
            WHERE mapped.account_id = held.account_id AND mapped.attribute = held.attribute AND mapped.state <> 0)
        """
}
