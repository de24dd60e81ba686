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

    /// How many ids of a path are looked at first: two profiles with one hash of 64 bits are rarer than broken disks. Only
    /// the path of a key whose profile was erased several times is longer.
    static let stepsExpected = 4

    /// The profiles that an address can lead to. Taken before the snapshot of a read begins.
    /// - Parameter steps: how many ids of its path are looked at.
    func part(for address: ProfileAddress, steps: Int = Recent.stepsExpected) -> Part {
        var part = Part(steps: steps)
        var id = address.foundingID
        for _ in 0..<steps {
            if let profile = profiles[id.value] { part.profiles[id.value] = profile }
            let entries = memtable.entries(of: id.value)
            if !entries.isEmpty { part.entries[id.value] = entries }
            id = id.afterCollision
        }
        return part
    }

    struct Part: Sendable {
        /// How many ids of the path it has looked at.
        let steps: Int
        var profiles: [Int64: RecentProfiles.Row] = [:]
        var entries: [Int64: [TimelineEntry]] = [:]
    }

    /// The path of an address goes on behind the part that was taken of memory: the read begins again with a longer one.
    struct PathIsLonger: Error {}
}
