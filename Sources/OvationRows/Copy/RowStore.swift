public import OvationCore

/// A store as rows, to be read from its first to its last. A caller that has opened it so has it alone: no server has
/// it open, and none can open it meanwhile.
public protocol RowSource: Sendable {
    /// Which store it is, and in which state.
    func origin() async throws(StoreFailure) -> RowOrigin

    /// Some rows of a kind, in an order of the store's own: up to ``Limits/copyRowsMax`` or ``Limits/copyBytesMax``.
    func rows(of kind: RowKind, after position: RowPosition?) async throws(StoreFailure) -> RowPage
}

/// A store that rows are written into.
public protocol RowTarget: RowSource {
    /// The note of the last ``write(_:_:)``. nil: nothing was ever copied here.
    func note() async throws(StoreFailure) -> CopyNote?

    /// Writes rows and the note of how far the copy is, in one transaction.
    func write(_ rows: RowBatch?, _ note: CopyNote) async throws(StoreFailure)

    /// Makes everything that a server needs besides the rows: no id of the origin is given again, and timelines are in
    /// order. You can call it more than once.
    func makeReady(after origin: RowOrigin) async throws(StoreFailure)
}

public struct RowPage: Sendable {
    public let rows: RowBatch
    /// Where the next page begins; nil: there is none.
    public let next: RowPosition?

    public init(_ rows: RowBatch, next: RowPosition?) {
        self.rows = rows
        self.next = next
    }
}

/// Identifies a store, and tells one state of it from a later one.
public struct RowOrigin: Sendable, Equatable {
    /// The same for a store and its copies.
    public let identity: String
    /// Differs after each post, change or use of a key.
    public let state: String
    /// The highest ids that were ever given, whether their rows are still there or not.
    public let lastEventID: Int64
    public let lastRejectionID: Int64
    /// As usage counts them.
    public let eventCount: Int64

    /// - Parameter state: numbers, at least one of which differs after each change.
    public init(
        serverSecret: [UInt8], state: [Int64], lastEventID: Int64, lastRejectionID: Int64, eventCount: Int64
    ) {
        // A hash of a random secret reveals nothing about it.
        identity = serverSecret.withUnsafeBytes { Hexadecimal.text(of: StableHash.of($0)) }
        self.state = ([lastEventID, lastRejectionID] + state).map { "\($0)" }.joined(separator: ".")
        self.lastEventID = lastEventID
        self.lastRejectionID = lastRejectionID
        self.eventCount = eventCount
    }
}

/// How far a copy is, noted in its target. A server does not open a target with an unfinished copy.
public struct CopyNote: Sendable, Equatable {
    /// Name of the setting that has the note.
    public static let settingName = "copy"

    public var identity: String
    public var state: String
    /// Rows of the kinds before are there, and of this one those up to the position. nil: all rows are there.
    public var kind: RowKind?
    public var position: RowPosition?
    public var rows: Int64 = 0
    public var events: Int64 = 0
    /// When the target was found to be equal to its source.
    public var finishedAt: Timestamp?

    public var isFinished: Bool { finishedAt != nil }

    init(_ origin: RowOrigin) {
        identity = origin.identity
        state = origin.state
        kind = RowKind.allCases.first
    }

    private static let version = "copy 1"

    /// One line for each member.
    public var encoded: [UInt8] {
        let place = position.map { position in
            "\(position.first) \(position.second) \(Hexadecimal.text(of: position.text.utf8))"
        }
        let lines = [
            CopyNote.version, identity, state, kind?.rawValue ?? "", place ?? "", "\(rows)", "\(events)",
            finishedAt.map { "\($0.milliseconds)" } ?? "",
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }

    /// nil: another version wrote it.
    public init?(_ encoded: [UInt8]) {
        let lines = String(decoding: encoded, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count == 8, lines[0] == CopyNote.version, let rows = Int64(lines[5]), let events = Int64(lines[6])
        else { return nil }
        (identity, state) = (String(lines[1]), String(lines[2]))
        (self.rows, self.events) = (rows, events)
        kind = RowKind(rawValue: String(lines[3]))
        if !lines[3].isEmpty, kind == nil { return nil }
        finishedAt = Int64(lines[7]).map { Timestamp(milliseconds: $0) }
        guard !lines[4].isEmpty else { return }
        let parts = lines[4].split(separator: " ", omittingEmptySubsequences: false)
        guard parts.count == 3, let first = Int64(parts[0]), let second = Int64(parts[1]),
            let text = Hexadecimal.bytes(of: parts[2])
        else { return nil }
        position = RowPosition(first: first, second: second, text: String(decoding: text, as: UTF8.self))
    }

    /// The message of a server that is pointed at the target of an unfinished copy. nil: it may serve.
    public static func refusal(toServe encoded: [UInt8]?) -> StoreFailure? {
        guard let encoded, CopyNote(encoded)?.isFinished != true else { return nil }
        return StoreFailure(
            .unusable,
            "it is the target of a copy that has not ended. Run the same 'ovation store copy' again, which goes on where "
                + "it was, or name another store")
    }
}
