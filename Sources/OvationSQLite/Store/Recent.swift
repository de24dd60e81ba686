import GRDB
import OvationCore

/// What the newest commits left in memory: profiles and events that are durable in tables of arrival, and not yet where
/// they are looked for.
struct Recent: Sendable {
    let profiles = RecentProfiles()
    let memtable = Memtable()

    /// Reads back what was here when the store was last open. Before anybody asks.
    func load(_ database: Database) throws {
        try profiles.load(database)
        memtable.add(try Timeline.unmerged(database))
    }

    /// Of the profiles that an address can lead to. Taken before the snapshot of a read begins.
    func part(for address: ProfileAddress) -> Part {
        var part = Part()
        var id = address.foundingID
        // Two profiles with one hash of 64 bits are rarer than broken disks, and four are not awaited.
        for _ in 0..<4 {
            if let profile = profiles[id.value] { part.profiles[id.value] = profile }
            let entries = memtable.entries(of: id.value)
            if !entries.isEmpty { part.entries[id.value] = entries }
            id = id.afterCollision
        }
        return part
    }

    struct Part: Sendable {
        var profiles: [Int64: RecentProfiles.Row] = [:]
        var entries: [Int64: [TimelineEntry]] = [:]
    }
}
