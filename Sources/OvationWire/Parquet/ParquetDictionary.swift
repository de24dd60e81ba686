import OvationCore

/// The different values of a column, and which of them each row has.
struct ParquetDictionary {
    /// In the encoding PLAIN.
    private(set) var page: [UInt8] = []
    private(set) var count = 0
    private(set) var indices: [UInt32] = []

    /// nil: the column is not smaller with a dictionary.
    init?(texts: [UInt8], ends: [Int]) {
        var table = HashTable()
        // Where each entry stands in the page, without its length.
        var entries: [Range<Int>] = []
        let isWorth = texts.withUnsafeBufferPointer { texts in
            var start = 0
            for end in ends {
                let text = UnsafeBufferPointer(rebasing: texts[start..<end])
                start = end
                let (index, isNew) = table.index(hash: Self.hash(text)) { entry in
                    entries[entry].count == text.count && page[entries[entry]].elementsEqual(text)
                }
                indices.append(UInt32(index))
                guard isNew else { continue }
                page.append(littleEndian: UInt32(text.count))
                entries.append(page.count..<page.count + text.count)
                page.append(contentsOf: text)
                guard isWorthwhile(entries.count) else { return false }
            }
            return true
        }
        count = entries.count
        guard isWorth, isSmaller(than: texts.count + 4 * ends.count) else { return nil }
    }

    /// nil: the column is not smaller with a dictionary.
    init?(doubles: [Int64]) {
        var table = HashTable()
        var entries: [Int64] = []
        for word in doubles {
            let (index, isNew) = table.index(hash: Self.mixed(Self.seed ^ UInt64(bitPattern: word))) {
                entries[$0] == word
            }
            indices.append(UInt32(index))
            guard isNew else { continue }
            entries.append(word)
            page.append(littleEndian: word)
            guard isWorthwhile(entries.count) else { return nil }
        }
        count = entries.count
        guard isSmaller(than: 8 * doubles.count) else { return nil }
    }

    /// Gives up early on columns of values that are nearly all different.
    private func isWorthwhile(_ entries: Int) -> Bool {
        page.count <= Limits.parquetDictionaryBytesMax && (indices.count < 4096 || entries * 4 <= indices.count * 3)
    }

    private func isSmaller(than plainBytes: Int) -> Bool {
        page.count + indices.count * width / 8 < plainBytes
    }

    /// Bits of an index.
    var width: Int { PackedIntegers.width(of: UInt32(max(0, count - 1))) }

    /// Nobody can choose values that have the same hash, which would make each search for one a long one.
    private static let seed = UInt64.random(in: .min ... .max)

    private static func hash(_ text: UnsafeBufferPointer<UInt8>) -> UInt64 {
        let raw = UnsafeRawBufferPointer(text)
        var hash = mixed(seed ^ UInt64(text.count))
        var offset = 0
        while offset + 8 <= raw.count {
            hash = mixed(hash ^ raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset += 8
        }
        var rest: UInt64 = 0
        while offset < raw.count {
            rest = rest << 8 | UInt64(raw[offset])
            offset += 1
        }
        return mixed(hash ^ rest)
    }

    /// Each bit of the result depends on each bit of the word.
    private static func mixed(_ word: UInt64) -> UInt64 {
        let product = word.multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
        return (product.high ^ product.low) &+ 0x2545_F491_4F6C_DD1D
    }
}

/// Finds entries by their hashes, in places that are probed one after the other.
private struct HashTable {
    /// The number of an entry and 1; 0 is free.
    private var places = [UInt32](repeating: 0, count: 1024)
    private var hashes: [UInt64] = []

    /// - Returns: the number of the entry; a new one has the next number.
    mutating func index(hash: UInt64, isSame: (Int) -> Bool) -> (index: Int, isNew: Bool) {
        var place = Int(truncatingIfNeeded: hash) & (places.count - 1)
        while places[place] != 0 {
            let entry = Int(places[place]) - 1
            if hashes[entry] == hash, isSame(entry) { return (entry, false) }
            place = (place + 1) & (places.count - 1)
        }
        hashes.append(hash)
        places[place] = UInt32(hashes.count)
        if hashes.count * 2 > places.count { grow() }
        return (hashes.count - 1, true)
    }

    private mutating func grow() {
        places = [UInt32](repeating: 0, count: places.count * 4)
        for (entry, hash) in hashes.enumerated() {
            var place = Int(truncatingIfNeeded: hash) & (places.count - 1)
            while places[place] != 0 { place = (place + 1) & (places.count - 1) }
            places[place] = UInt32(entry + 1)
        }
    }
}
