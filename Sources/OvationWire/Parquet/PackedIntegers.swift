/// The encodings of Parquet that store integers in as few bits as they need.
enum PackedIntegers {
    /// The bits that a number needs; at least one, since some readers know no width of none.
    static func width(of largest: UInt32) -> Int {
        max(1, 32 - largest.leadingZeroBitCount)
    }

    /// Runs of equal values, and groups of eight packed ones between them: the encoding RLE. It is that of definition levels
    /// and of indices into a dictionary.
    static func appendRuns(_ values: some RandomAccessCollection<UInt32>, width: Int, to bytes: inout [UInt8]) {
        var packed: [UInt64] = []
        func flush(_ packed: inout [UInt64], _ bytes: inout [UInt8]) {
            guard !packed.isEmpty else { return }
            while packed.count % 8 != 0 { packed.append(0) }
            bytes.append(varint: UInt64(packed.count / 8) << 1 | 1)
            append(packed, width: width, to: &bytes)
            packed.removeAll(keepingCapacity: true)
        }
        var index = values.startIndex
        while index < values.endIndex {
            let value = values[index]
            var end = values.index(after: index)
            while end < values.endIndex, values[end] == value { end = values.index(after: end) }
            var count = values.distance(from: index, to: end)
            // A packed group has eight values, so a run begins only behind a whole one.
            let filling = (8 - packed.count % 8) % 8
            if count - filling >= 8 {
                for _ in 0..<filling { packed.append(UInt64(value)) }
                flush(&packed, &bytes)
                count -= filling
                bytes.append(varint: UInt64(count) << 1)
                for byte in 0..<(width + 7) / 8 { bytes.append(UInt8(truncatingIfNeeded: value >> (8 * byte))) }
            } else {
                for _ in 0..<count { packed.append(UInt64(value)) }
            }
            index = end
        }
        flush(&packed, &bytes)
    }

    /// Differences between values in blocks of 128, each with as many bits as the largest of 32 needs: the encoding
    /// DELTA_BINARY_PACKED. Ids and times in the order of their arrival take a few bits each.
    static func appendDeltas(_ values: ArraySlice<Int64>, to bytes: inout [UInt8]) {
        let (blockCount, miniblockCount) = (128, 32)
        bytes.append(varint: UInt64(blockCount))
        bytes.append(varint: UInt64(blockCount / miniblockCount))
        bytes.append(varint: UInt64(values.count))
        bytes.append(zigzag: values.first ?? 0)
        var previous = values.first ?? 0
        var rest = values.dropFirst()
        while !rest.isEmpty {
            // They wrap around, and so does the reader's sum.
            var deltas: [Int64] = []
            deltas.reserveCapacity(blockCount)
            for value in rest.prefix(blockCount) {
                deltas.append(value &- previous)
                previous = value
            }
            rest = rest.dropFirst(blockCount)
            let least = deltas.min() ?? 0
            var offsets = deltas.map { UInt64(bitPattern: $0 &- least) }
            bytes.append(zigzag: least)
            // A miniblock is filled up; one without a value has the width 0 and takes no bytes.
            while offsets.count % miniblockCount != 0 { offsets.append(0) }
            let starts = stride(from: 0, to: offsets.count, by: miniblockCount)
            let widths = starts.map { start in
                64 - offsets[start..<start + miniblockCount].reduce(0, |).leadingZeroBitCount
            }
            for index in 0..<blockCount / miniblockCount {
                bytes.append(index < widths.count ? UInt8(widths[index]) : 0)
            }
            for (start, width) in zip(starts, widths) {
                append(offsets[start..<start + miniblockCount], width: width, to: &bytes)
            }
        }
    }

    /// One after the other, each in so many bits, the lowest bits first.
    private static func append(_ values: some Collection<UInt64>, width: Int, to bytes: inout [UInt8]) {
        var word: UInt64 = 0
        var filled = 0
        for value in values {
            word |= value << UInt64(filled)
            if filled + width >= 64 {
                bytes.append(littleEndian: word)
                word = value >> UInt64(64 - filled)
                filled += width - 64
            } else {
                filled += width
            }
        }
        while filled > 0 {
            bytes.append(UInt8(truncatingIfNeeded: word))
            word >>= 8
            filled -= 8
        }
    }
}
