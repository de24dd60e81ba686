import OvationCore
import Synchronization

/// The entries of the newest events: those that are in no run yet. They are in the table `event` as well, from which a
/// start reads them back.
///
/// The writer's thread adds to it after a commit and before the answer to that commit. Readers take their entries
/// **before** their snapshot of the file begins: an entry that has left this table is in a run of an earlier commit, so
/// a reader finds it here or there, and ``Timeline`` drops those that are in both.
final class Memtable: Sendable {
    private struct State {
        /// Takes new entries.
        var growing = Table()
        /// Being written into a run; it takes no new entries.
        var frozen = Table()
    }

    private let state = Mutex(State())

    /// The number of entries that are not frozen.
    var count: Int { state.withLock { $0.growing.entries.count } }

    /// In the order in which they came.
    var frozen: [TimelineEntry] { state.withLock { $0.frozen.present } }

    func add(_ entries: [TimelineEntry]) {
        guard !entries.isEmpty else { return }
        state.withLock { state in
            for entry in entries { state.growing.add(entry) }
        }
    }

    /// A profile's, in no order.
    func entries(of profile: Int64) -> [TimelineEntry] {
        state.withLock { state in
            var found: [TimelineEntry] = []
            for table in [state.growing, state.frozen] {
                table.forEach(of: profile) { entry in
                    found.append(entry)
                    return true
                }
            }
            return found
        }
    }

    /// The last that came of a profile's, up to a limit.
    func entries(of profile: Int64, limit: Int) -> [TimelineEntry] {
        state.withLock { state in
            var found: [TimelineEntry] = []
            for table in [state.growing, state.frozen] {
                table.forEach(of: profile) { entry in
                    found.append(entry)
                    return found.count < limit
                }
                if found.count == limit { break }
            }
            return found
        }
    }

    /// Sets the entries apart that are to be written into a run. There must be no others that are.
    /// - Returns: in the order in which they came.
    func freeze() -> [TimelineEntry] {
        state.withLock { state in
            // Only a swap, since posts wait meanwhile.
            swap(&state.growing, &state.frozen)
            state.growing.removeAll()
            return state.frozen.present
        }
    }

    /// After the commit of the run that has them.
    func dropFrozen() {
        state.withLock { $0.frozen.removeAll() }
    }

    /// After the commit that removed the events of a profile.
    func remove(_ ids: Set<Int64>, of profile: Int64) {
        guard !ids.isEmpty else { return }
        state.withLock { state in
            state.growing.remove(ids, of: profile)
            state.frozen.remove(ids, of: profile)
        }
    }
}

/// Entries in the order in which they came, and found by profile.
private struct Table {
    /// The place of a removed one stays, with the id 0, which no event has.
    private(set) var entries: [TimelineEntry] = []
    private var removedCount = 0
    /// Index of the same profile's entry before; -1: none. Beside ``entries``.
    private var previous: [Int32] = []
    private var newestOfProfile: [Int64: Int32] = [:]

    /// Those that were not removed.
    var present: [TimelineEntry] { removedCount == 0 ? entries : entries.filter { $0.eventID != 0 } }

    mutating func add(_ entry: TimelineEntry) {
        let index = Int32(entries.count)
        entries.append(entry)
        previous.append(newestOfProfile.updateValue(index, forKey: entry.profile) ?? -1)
    }

    /// From the last that came, as long as the body returns true.
    func forEach(of profile: Int64, _ body: (TimelineEntry) -> Bool) {
        var index = newestOfProfile[profile] ?? -1
        while index >= 0, body(entries[Int(index)]) { index = previous[Int(index)] }
    }

    /// Keeps its memory: a table that starts small would copy itself a dozen times while posts wait.
    mutating func removeAll() {
        entries.removeAll(keepingCapacity: true)
        previous.removeAll(keepingCapacity: true)
        newestOfProfile.removeAll(keepingCapacity: true)
        removedCount = 0
    }

    /// Looks at the entries of the profile only: to make the table anew would hold up posts, once for each step in which a
    /// large profile is removed.
    mutating func remove(_ ids: Set<Int64>, of profile: Int64) {
        var index = newestOfProfile[profile] ?? -1
        // The entry that stays and comes after the one that is looked at.
        var later = Int32(-1)
        while index >= 0 {
            let before = previous[Int(index)]
            if !ids.contains(entries[Int(index)].eventID) {
                later = index
            } else {
                entries[Int(index)].eventID = 0
                removedCount += 1
                if later >= 0 {
                    previous[Int(later)] = before
                } else {
                    newestOfProfile[profile] = before >= 0 ? before : nil
                }
            }
            index = before
        }
    }
}

extension Array {
    /// The first index with an element that meets a condition, if no element before and all after meet it.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
