import OvationCore

/// One part of the file that a job makes. What belongs to a profile begins with its id. So `FileHandout` can leave out profiles
/// that are gone.
struct ResultPart {
    enum Kind: UInt8 {
        /// Of the file as a whole.
        case frame
        /// Where what belongs to a profile begins.
        case beginning
        case continuation
        /// Before a beginning, without bytes: a member of that profile, whose data are there too. It can become a profile of its
        /// own, and be deleted.
        case member
    }

    let kind: Kind
    let profile: ProfileID
    let bytes: ArraySlice<UInt8>

    /// Kind, id and length, in little-endian.
    static let headBytes = 13
}

/// Writes the file that a job makes: parts one after the other.
struct ResultWriter {
    private let file: OpenFile
    private let bytesMax: Int64
    /// Bytes that are in the file.
    private var written: Int64 = 0
    private var buffer: [UInt8] = []

    private static let bufferBytes = 256 * 1024

    init(_ file: OpenFile, bytesMax: Int64) {
        self.file = file
        self.bytesMax = bytesMax
    }

    var bytes: Int64 { written + Int64(buffer.count) }

    /// What belongs to no profile, and is always handed out.
    mutating func append(frame bytes: [UInt8]) async throws {
        try await append(.frame, ProfileID(0), bytes[...])
    }

    /// - Parameter profile: its canonical member first.
    mutating func append(_ bytes: [UInt8], beginning profile: [ProfileID]) async throws {
        for member in profile.dropFirst() { try await append(.member, member, []) }
        try await append(.beginning, profile[0], bytes[...])
    }

    mutating func append(_ bytes: [UInt8], continuing profile: ProfileID) async throws {
        try await append(.continuation, profile, bytes[...])
    }

    private mutating func append(_ kind: ResultPart.Kind, _ profile: ProfileID, _ bytes: ArraySlice<UInt8>) async throws
    {
        var (kind, rest) = (kind, bytes)
        repeat {
            let piece = rest.prefix(Limits.jobFilePartBytes)
            rest = rest.dropFirst(piece.count)
            buffer.append(kind.rawValue)
            withUnsafeBytes(of: profile.value.littleEndian) { buffer.append(contentsOf: $0) }
            withUnsafeBytes(of: UInt32(piece.count).littleEndian) { buffer.append(contentsOf: $0) }
            buffer.append(contentsOf: piece)
            if kind == .beginning { kind = .continuation }
            guard self.bytes <= bytesMax else {
                throw Problem(
                    .limitExceeded, "The file would have more than \(bytesMax) bytes. Ask for less of each profile.")
            }
            if buffer.count >= ResultWriter.bufferBytes { try await flush() }
        } while !rest.isEmpty
    }

    mutating func flush() async throws {
        let (file, bytes, offset) = (file, buffer, written)
        try await JobFiles.blocking { try file.write(bytes, at: offset) }
        written += Int64(bytes.count)
        buffer.removeAll(keepingCapacity: true)
    }
}

/// Reads such a file, some parts at a time. It blocks.
struct ResultReader: Sendable {
    private let file: OpenFile
    private var offset: Int64 = 0
    private var rest: [UInt8] = []
    private var isAtEnd = false

    private static let pieceBytes = 256 * 1024

    init(_ file: OpenFile) { self.file = file }

    /// Parts of at most ``Limits/profilesAskedMax`` profiles; none at the end.
    mutating func next() throws -> [ResultPart] {
        if !isAtEnd, rest.count < ResultReader.pieceBytes {
            let piece = try file.read(ResultReader.pieceBytes, at: offset)
            offset += Int64(piece.count)
            isAtEnd = piece.isEmpty
            rest += piece
        }
        let bytes = rest
        var parts: [ResultPart] = []
        var start = 0
        while parts.count < Limits.profilesAskedMax, bytes.count - start >= ResultPart.headBytes {
            let head: (kind: UInt8, id: Int64, count: Int) = bytes.withUnsafeBytes {
                (
                    $0[start], Int64(littleEndian: $0.loadUnaligned(fromByteOffset: start + 1, as: Int64.self)),
                    Int(UInt32(littleEndian: $0.loadUnaligned(fromByteOffset: start + 9, as: UInt32.self)))
                )
            }
            let end = start + ResultPart.headBytes + head.count
            guard let kind = ResultPart.Kind(rawValue: head.kind), head.count <= Limits.jobFilePartBytes else {
                throw ResultReader.damaged
            }
            guard end <= bytes.count else { break }
            parts.append(
                ResultPart(
                    kind: kind, profile: ProfileID(head.id), bytes: bytes[start + ResultPart.headBytes..<end]))
            start = end
        }
        guard !parts.isEmpty || (isAtEnd && bytes.isEmpty) else { throw ResultReader.damaged }
        rest = Array(bytes[start...])
        return parts
    }

    private static let damaged = Problem(.storeDamaged, "The file is damaged; ask for it again.")
}
