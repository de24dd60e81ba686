import GRDB
import OvationCore

/// Data of the newest commits in memory: profiles and events that are durable in tables of arrival, and not yet in
/// their final places.
struct Recent: Sendable {
    let profiles = RecentProfiles()
    let memtable = Memtable()

    /// Reads back the data that was here when the store was last open, before the first read.
    func load(_ database: Database) throws {
        try profiles.load(database)
        memtable.add(try Timeline.unmerged(database))
    }

    /// The profiles that an address can lead to. Taken before the snapshot of a read begins.
    func part(for address: ProfileAddress) -> Part {
        var part = Part()
        var id = address.foundingID
        // Two profiles with one hash of 64 bits are rarer than broken disks, so four are not expected.
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
