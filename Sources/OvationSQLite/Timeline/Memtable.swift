import OvationCore
import Synchronization

/// The entries of the newest events: those that are in no run yet. They are in the table `event` as well, from which a
/// start reads them back.
///
/// The writer's thread adds to it after a commit and before that commit is answered. Readers take what they need
/// **before** their snapshot of the file begins: whatever leaves this table went into a run in a commit of before, so
/// it is seen here or there, and ``SortedRuns`` leaves out what is in both.
final class Memtable: Sendable {
    fileprivate struct State {
        var entries: [TimelineEntry] = []
        /// Index of the same profile's entry before; -1: none. Beside ``entries``.
        var previous: [Int32] = []
        var newestOfProfile: [Int64: Int32] = [:]
        /// What is being written into a run, in order; it takes no more.
        var frozen: [TimelineEntry] = []
    }

    private let state = Mutex(State())

    /// How many are not frozen.
    var count: Int { state.withLock { $0.entries.count } }

    func add(_ entries: [TimelineEntry]) {
        guard !entries.isEmpty else { return }
        state.withLock { state in
            for entry in entries { state.add(entry) }
        }
    }

    /// A profile's, in no order.
    func entries(of profile: Int64) -> [TimelineEntry] {
        state.withLock { state in
            var found: [TimelineEntry] = []
            var index = state.newestOfProfile[profile] ?? -1
            while index >= 0 {
                found.append(state.entries[Int(index)])
                index = state.previous[Int(index)]
            }
            var position = state.frozen.partitioningIndex { $0.profile >= profile }
            while position < state.frozen.count, state.frozen[position].profile == profile {
                found.append(state.frozen[position])
                position += 1
            }
            return found
        }
    }

    /// Sets the entries apart that are to be written into a run, and gives them in order. On the writer's thread.
    func freeze() -> [TimelineEntry] {
        // Sorted outside of the lock; only this thread changes them.
        let sorted = state.withLock { $0.entries }.sorted()
        state.withLock { state in
            state.frozen = sorted
            state.entries.removeAll(keepingCapacity: true)
            state.previous.removeAll(keepingCapacity: true)
            state.newestOfProfile.removeAll(keepingCapacity: true)
        }
        return sorted
    }

    var frozen: [TimelineEntry] { state.withLock { $0.frozen } }

    /// After the commit of the run that has them.
    func dropFrozen() {
        state.withLock { $0.frozen = [] }
    }

    /// After the commit that removed the events.
    func remove(_ ids: Set<Int64>) {
        guard !ids.isEmpty else { return }
        state.withLock { state in
            state.frozen.removeAll { ids.contains($0.eventID) }
            guard state.entries.contains(where: { ids.contains($0.eventID) }) else { return }
            let left = state.entries.filter { !ids.contains($0.eventID) }
            let frozen = state.frozen
            state = State()
            state.frozen = frozen
            for entry in left { state.add(entry) }
        }
    }
}

extension Memtable.State {
    fileprivate mutating func add(_ entry: TimelineEntry) {
        let index = Int32(entries.count)
        entries.append(entry)
        previous.append(newestOfProfile.updateValue(index, forKey: entry.profile) ?? -1)
    }
}

extension Array {
    /// The first index whose element a condition holds for, where it holds for none before and for all after.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
