import OvationCore

/// The profiles of one chunk, each once: keys in one buffer, found by a hash of their bytes.
struct ProfileTable {
    private struct Entry {
        let keyspace: Int
        let key: Range<Int>
        let hash: UInt64
        var events: Int
    }

    /// Of all profiles, in their normal form.
    private(set) var keys: [UInt8] = []
    private var entries: [Entry] = []
    /// Index of an entry plus one; 0 is free. At least half of them stay free, so that a search is short.
    private var slots: [Int32]
    /// Keys come from outside: without a random seed a client could send only keys of one slot.
    private let seed = UInt64.random(in: .min ... .max)

    /// - Parameter profilesMax: the maximum number of profiles.
    init(profilesMax: Int) {
        var size = 64
        while size < 2 * profilesMax { size *= 2 }
        slots = [Int32](repeating: 0, count: size)
    }

    /// Counts an event of the profile with this key, and returns the profile's index. nil if it is not a possible key.
    /// - Parameter raw: the key as it was posted; UTF-8.
    mutating func count(_ raw: UnsafeBufferPointer<UInt8>, keyspace: Int, format: KeyFormat) -> Int? {
        let start = keys.count
        if !ProfileKey.append(plain: raw, format: format, to: &keys) {
            guard !raw.holdsHalfSurrogate,
                let key = try? ProfileKey(String(decoding: raw, as: UTF8.self), format: format)
            else { return nil }
            keys.append(contentsOf: key.text.utf8)
        }
        return count(keyFrom: start, keyspace: keyspace)
    }

    mutating func count(_ key: ProfileKey, keyspace: Int) -> Int {
        let start = keys.count
        keys.append(contentsOf: key.text.utf8)
        return count(keyFrom: start, keyspace: keyspace)
    }

    /// The bytes at the end of the keys are a known key, or stay as a new one.
    private mutating func count(keyFrom start: Int, keyspace: Int) -> Int {
        let hash = hash(from: start, keyspace: keyspace)
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] != 0 {
            let index = Int(slots[slot]) - 1
            let entry = entries[index]
            if entry.hash == hash, entry.keyspace == keyspace, keys[entry.key].elementsEqual(keys[start...]) {
                keys.removeSubrange(start...)
                entries[index].events += 1
                return index
            }
            slot = (slot + 1) & (slots.count - 1)
        }
        entries.append(Entry(keyspace: keyspace, key: start..<keys.count, hash: hash, events: 1))
        slots[slot] = Int32(entries.count)
        return entries.count - 1
    }

    private func hash(from start: Int, keyspace: Int) -> UInt64 {
        var hash = seed ^ UInt64(truncatingIfNeeded: keyspace)
        keys.withUnsafeBytes { bytes in
            var index = start
            while index + 8 <= bytes.count {
                hash = ProfileTable.mix(hash ^ bytes.loadUnaligned(fromByteOffset: index, as: UInt64.self))
                index += 8
            }
            var rest: UInt64 = UInt64(bytes.count - start)
            while index < bytes.count {
                rest = rest << 8 | UInt64(bytes[index])
                index += 1
            }
            hash = ProfileTable.mix(hash ^ rest)
        }
        return hash
    }

    private static func mix(_ word: UInt64) -> UInt64 {
        let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return product.high ^ product.low
    }

    /// The profiles by founding id, and the events by profile. Those of one profile keep their order.
    /// - Parameters:
    ///  - rows: the events, in the order in which they came.
    ///  - owners: for each event the index of its profile.
    ///  - keyspaces: numbers of the keyspaces that entries name by index.
    func grouped(
        _ rows: [EventChunk.Row], owners: [Int32], keyspaces: [Int64], account: Int64
    ) -> ([EventChunk.Profile], [EventChunk.Row]) {
        guard !rows.isEmpty else { return ([], []) }
        let ids = keys.withUnsafeBufferPointer { keys in
            entries.map { entry in
                ProfileID.founding(
                    account: account, keyspace: keyspaces[entry.keyspace],
                    key: UnsafeBufferPointer(rebasing: keys[entry.key]))
            }
        }
        let order = entries.indices.sorted { ids[$0].value < ids[$1].value }
        var places = [Int](repeating: 0, count: entries.count)
        var profiles: [EventChunk.Profile] = []
        profiles.reserveCapacity(entries.count)
        var end = 0
        for index in order {
            places[index] = end
            end += entries[index].events
            profiles.append(
                EventChunk.Profile(
                    keyspace: keyspaces[entries[index].keyspace], key: entries[index].key, foundingID: ids[index],
                    rowsEnd: end))
        }
        let sorted = [EventChunk.Row](unsafeUninitializedCapacity: rows.count) { buffer, count in
            for (row, owner) in zip(rows, owners) {
                buffer.initializeElement(at: places[Int(owner)], to: row)
                places[Int(owner)] += 1
            }
            count = rows.count
        }
        return (profiles, sorted)
    }
}
