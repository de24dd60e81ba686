import OvationCore

/// A few hundred entries in order as bytes: the content of one row of the table `timeline`.
///
/// An entry is a byte of flags and then only the differences from the entry before: a new profile (8 bytes, little
/// endian) and section, the time, the id, a new version. Numbers have a variable length, seven bits in a byte;
/// differences that may be negative are in zigzag. An entry takes 6 to 22 bytes, and a row of an index would take 31.
enum TimelineBlock {
    /// Two rows with blocks of this size fill a page of 4 kB.
    static let bytesMax = 1950
    /// The most bytes that one entry can take.
    private static let entryBytesMax = 1 + 8 + 4 * 10

    private static let hasProfile: UInt8 = 1
    private static let hasSection: UInt8 = 2
    private static let hasVersion: UInt8 = 4

    struct Builder {
        private(set) var bytes: [UInt8] = []
        private(set) var first: TimelineEntry?
        private(set) var last: TimelineEntry?
        private(set) var count = 0

        var isFull: Bool { bytes.count + entryBytesMax > bytesMax }

        init() { bytes.reserveCapacity(bytesMax) }

        mutating func append(_ entry: TimelineEntry) {
            let isNewProfile = entry.profile != last?.profile
            let isNewSection = isNewProfile || entry.section != last?.section
            let isNewVersion = entry.version != last?.version
            bytes.append(
                (isNewProfile ? hasProfile : 0) | (isNewSection ? hasSection : 0) | (isNewVersion ? hasVersion : 0))
            if isNewProfile {
                withUnsafeBytes(of: entry.profile.littleEndian) { bytes.append(contentsOf: $0) }
            }
            if isNewSection { put(zigzag(entry.section)) }
            put(zigzag(entry.eventTime &- (isNewSection ? 0 : last?.eventTime ?? 0)))
            put(zigzag(entry.eventID &- (last?.eventID ?? 0)))
            if isNewVersion { put(zigzag(entry.version &- (last?.version ?? 0))) }
            if first == nil { first = entry }
            last = entry
            count += 1
        }

        mutating func removeAll() {
            bytes.removeAll(keepingCapacity: true)
            (first, last, count) = (nil, nil, 0)
        }

        private func zigzag(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value << 1) ^ (value >> 63)) }

        private mutating func put(_ value: UInt64) {
            var rest = value
            while rest >= 0x80 {
                bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
                rest >>= 7
            }
            bytes.append(UInt8(truncatingIfNeeded: rest))
        }
    }

    /// Calls for each entry, in order.
    /// - Throws: `unusable` for bytes that no builder wrote.
    static func forEach(_ bytes: UnsafeRawBufferPointer, _ body: (TimelineEntry) throws -> Void) throws {
        var reader = Reader(bytes: bytes)
        var entry = TimelineEntry(profile: 0, section: 0, eventTime: 0, eventID: 0, version: 0)
        while !reader.isAtEnd {
            let flags = try reader.byte()
            if flags & hasProfile != 0 { entry.profile = try reader.profile() }
            if flags & hasSection != 0 {
                entry.section = try reader.number()
                entry.eventTime = 0
            }
            entry.eventTime &+= try reader.number()
            entry.eventID &+= try reader.number()
            if flags & hasVersion != 0 { entry.version &+= try reader.number() }
            try body(entry)
        }
    }

    static func entries(_ bytes: UnsafeRawBufferPointer) throws -> [TimelineEntry] {
        var entries: [TimelineEntry] = []
        try forEach(bytes) { entries.append($0) }
        return entries
    }

    private struct Reader {
        let bytes: UnsafeRawBufferPointer
        var position = 0

        init(bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

        var isAtEnd: Bool { position == bytes.count }

        @inline(__always)
        mutating func byte() throws -> UInt8 {
            guard position < bytes.count else { throw TimelineBlock.damage }
            defer { position += 1 }
            return bytes[position]
        }

        mutating func profile() throws -> Int64 {
            guard position + 8 <= bytes.count else { throw TimelineBlock.damage }
            defer { position += 8 }
            return Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: position, as: Int64.self))
        }

        @inline(__always)
        mutating func number() throws -> Int64 {
            var value: UInt64 = 0
            var shift: UInt64 = 0
            while true {
                let next = try byte()
                value |= UInt64(next & 0x7F) &<< shift
                if next < 0x80 { break }
                shift += 7
                guard shift < 64 else { throw TimelineBlock.damage }
            }
            return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
        }
    }

    private static let damage = StoreFailure(.damaged, "a block of the timeline is damaged")
}
