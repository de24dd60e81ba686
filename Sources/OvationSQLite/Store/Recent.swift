import GRDB
import OvationCore
import OvationRows

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
    /// - Parameters:
    ///   - steps: how many ids of its path are looked at.
    ///   - members: of its profile, as far as they are known.
    func part(
        for address: ProfileAddress, steps: Int = Recent.stepsExpected, members: Set<Int64> = []
    ) -> Part {
        var part = Part(steps: steps, members: members)
        var id = address.foundingID
        for _ in 0..<steps {
            if let profile = profiles[id.value] { part.profiles[id.value] = profile }
            let entries = memtable.entries(of: id.value)
            if !entries.isEmpty { part.entries[id.value] = entries }
            id = id.afterCollision
        }
        for member in members {
            let entries = memtable.entries(of: member)
            if !entries.isEmpty { part.entries[member] = entries }
        }
        return part
    }

    struct Part: Sendable {
        /// How many ids of the path it has looked at.
        let steps: Int
        /// Members whose entries it has beside those of the path.
        let members: Set<Int64>
        var profiles: [Int64: RecentProfiles.Row] = [:]
        fileprivate var entries: [Int64: [TimelineEntry]] = [:]

        /// The entries of a whole profile, by member.
        /// - Throws: ``Recent/MembersAreMissing``.
        func entries(of tree: MemberTree) throws -> [Int64: [TimelineEntry]] {
            guard tree.count == 1 || tree.members.keys.allSatisfy(members.contains) else {
                throw MembersAreMissing(members: Set(tree.members.keys))
            }
            return entries
        }
    }

    /// The path of an address goes on behind the part that was taken of memory: the read begins again with a longer one.
    struct PathIsLonger: Error {}

    /// A profile has members behind the part that was taken of memory: the read begins again with all of them.
    struct MembersAreMissing: Error {
        let members: Set<Int64>
    }
}
