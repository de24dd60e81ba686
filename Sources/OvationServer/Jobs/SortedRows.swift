import OvationCore

/// Sorts rows that may be too many for memory: they are sorted some at a time and written to a file, and then merged. Of each of
/// these runs the merging holds one piece.
struct SortedRows {
    struct Row: Sendable {
        let key: ArraySlice<UInt8>
        let profile: ProfileID
        let bytes: ArraySlice<UInt8>
    }

    private let file: OpenFile
    private let bytesMax: Int64
    /// Where the runs end in the file.
    private var ends: [Int64] = []
    private var buffer: [UInt8] = []
    private var places: [(start: Int, key: Range<Int>, profile: Int64)] = []

    /// Length of the key, length of the bytes, id, in little-endian.
    private static let headBytes = 16

    init(_ file: OpenFile, bytesMax: Int64) {
        self.file = file
        self.bytesMax = bytesMax
    }

    private var written: Int64 { ends.last ?? 0 }

    mutating func add(key: [UInt8], of profile: ProfileID, _ bytes: [UInt8]) async throws {
        let start = buffer.count
        withUnsafeBytes(of: UInt32(key.count).littleEndian) { buffer.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt32(bytes.count).littleEndian) { buffer.append(contentsOf: $0) }
        withUnsafeBytes(of: profile.value.littleEndian) { buffer.append(contentsOf: $0) }
        let keyStart = buffer.count
        buffer += key
        places.append((start, keyStart..<buffer.count, profile.value))
        buffer += bytes
        guard written + Int64(buffer.count) <= bytesMax else {
            throw Problem(
                .limitExceeded,
                "The report would need more than \(bytesMax) bytes to be sorted. Ask for fewer columns.")
        }
        if buffer.count >= Limits.sortedRunBytes { try await endRun() }
    }

    private mutating func endRun() async throws {
        guard !places.isEmpty else { return }
        let (file, bytes, unsorted, offset) = (file, buffer, places, written)
        try await JobFiles.blocking {
            let sorted = bytes.withUnsafeBytes { all in
                unsorted.sorted { one, other in
                    let (left, right) = (all[one.key], all[other.key])
                    if left.elementsEqual(right) { return (one.profile, one.start) < (other.profile, other.start) }
                    return left.lexicographicallyPrecedes(right)
                }
            }
            var run: [UInt8] = []
            run.reserveCapacity(bytes.count)
            for place in sorted { run += bytes[place.start..<SortedRows.end(of: place.start, in: bytes)] }
            try file.write(run, at: offset)
        }
        ends.append(offset + Int64(bytes.count))
        buffer.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }

    private static func end(of start: Int, in bytes: [UInt8]) -> Int {
        bytes.withUnsafeBytes {
            start + headBytes + Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: UInt32.self)))
                + Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start + 4, as: UInt32.self)))
        }
    }

    /// All rows in the order of their keys; those of one key by profile, and then in the order in which they were added.
    mutating func merged() async throws -> Merged {
        try await endRun()
        // Nothing of it is needed any more.
        (buffer, places) = ([], [])
        let (file, ends) = (file, ends)
        return try await JobFiles.blocking { try Merged(file, ends) }
    }

    /// The runs as one. It blocks.
    struct Merged: Sendable {
        private var runs: [Run] = []
        /// A heap of the runs that have a row, the lowest first.
        private var heap: [Int] = []

        fileprivate init(_ file: OpenFile, _ ends: [Int64]) throws {
            var start: Int64 = 0
            for end in ends {
                runs.append(try Run(file, start..<end))
                start = end
            }
            for index in runs.indices where runs[index].row != nil {
                heap.append(index)
                rise(heap.count - 1)
            }
        }

        /// nil at the end.
        mutating func next() throws -> Row? {
            guard let first = heap.first, let row = runs[first].row else { return nil }
            try runs[first].advance()
            if runs[first].row == nil {
                heap.swapAt(0, heap.count - 1)
                heap.removeLast()
            }
            sink()
            return row
        }

        private func isBefore(_ one: Int, _ other: Int) -> Bool {
            guard let left = runs[one].row, let right = runs[other].row else { return false }
            guard left.key.elementsEqual(right.key) else { return left.key.lexicographicallyPrecedes(right.key) }
            return (left.profile.value, one) < (right.profile.value, other)
        }

        private mutating func rise(_ place: Int) {
            var place = place
            while place > 0, isBefore(heap[place], heap[(place - 1) / 2]) {
                heap.swapAt(place, (place - 1) / 2)
                place = (place - 1) / 2
            }
        }

        private mutating func sink() {
            var place = 0
            while true {
                let children = [2 * place + 1, 2 * place + 2].filter { $0 < heap.count }
                guard let lower = children.min(by: { isBefore(heap[$0], heap[$1]) }),
                    isBefore(heap[lower], heap[place])
                else { return }
                heap.swapAt(place, lower)
                place = lower
            }
        }
    }

    private struct Run: Sendable {
        private let file: OpenFile
        private var left: Range<Int64>
        private var piece: ArraySlice<UInt8> = []
        /// nil at the end.
        private(set) var row: Row?

        init(_ file: OpenFile, _ range: Range<Int64>) throws {
            self.file = file
            left = range
            try advance()
        }

        mutating func advance() throws {
            row = nil
            guard try hold(SortedRows.headBytes) else { return }
            let (key, bytes, id) = piece.withUnsafeBytes {
                (
                    Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 0, as: UInt32.self))),
                    Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: 4, as: UInt32.self))),
                    Int64(littleEndian: $0.loadUnaligned(fromByteOffset: 8, as: Int64.self))
                )
            }
            guard try hold(SortedRows.headBytes + key + bytes) else { return }
            let body = piece.startIndex + SortedRows.headBytes
            row = Row(
                key: piece[body..<body + key], profile: ProfileID(id), bytes: piece[body + key..<body + key + bytes])
            piece = piece[(body + key + bytes)...]
        }

        /// Reads on until so many bytes are there; false: there are not so many.
        private mutating func hold(_ count: Int) throws -> Bool {
            while piece.count < count {
                let wanted = min(
                    Int64(max(Limits.sortedPieceBytes, count - piece.count)), left.upperBound - left.lowerBound)
                guard wanted > 0 else { return false }
                let read = try file.read(Int(wanted), at: left.lowerBound)
                guard !read.isEmpty else { return false }
                left = left.lowerBound + Int64(read.count)..<left.upperBound
                piece = ArraySlice(Array(piece) + read)
            }
            return true
        }
    }
}
