public import OvationCore

/// Copies a store into an empty one, row by row, and proves that both have the same content.
///
/// With each batch of rows the target notes how far the copy is, in the same transaction. So a copy that broke off, for
/// any reason, continues where it was. At the end the rows read back from both stores are compared; before that no
/// server opens the target.
public struct StoreCopy: Sendable {
    /// The present step, for people.
    public enum Step: Sendable {
        /// Rows and events that are in the target, those of earlier runs included.
        case copying(rows: Int64, events: Int64)
        case makingReady
        /// Rows read back from the source; reading the target keeps up with it.
        case comparing(rows: Int64)
    }

    public struct Comparison: Sendable {
        public let kind: RowKind
        public let source: RowTally
        public let target: RowTally

        public var isSame: Bool { source == target }
    }

    public enum Outcome: Sendable {
        /// The rows of each kind on both sides. A copy is finished when all are the same.
        case compared([Comparison])
        case wasFinished(at: Timestamp)
    }

    private let source: any RowSource
    private let target: any RowTarget
    private let now: @Sendable () -> Timestamp

    public init(from source: any RowSource, to target: any RowTarget, now: @escaping @Sendable () -> Timestamp) {
        self.source = source
        self.target = target
        self.now = now
    }

    /// - Parameters:
    ///  - began: called before the first rows, with the rows that an earlier run left.
    ///  - report: called often.
    public func run(
        began: @Sendable (RowOrigin, CopyNote) -> Void = { _, _ in },
        _ report: @escaping @Sendable (Step) -> Void = { _ in }
    ) async throws(StoreFailure) -> Outcome {
        let origin = try await source.origin()
        var note = try await begin(origin)
        if let finishedAt = note.finishedAt { return .wasFinished(at: finishedAt) }
        began(origin, note)
        report(.copying(rows: note.rows, events: note.events))
        while note.kind != nil { try await copyKind(&note, report) }
        report(.makingReady)
        try await target.makeReady(after: origin)
        let comparisons = try await compare(report)
        if comparisons.allSatisfy(\.isSame) {
            note.finishedAt = now()
            try await target.write(nil, note)
        }
        return .compared(comparisons)
    }

    // MARK: Beginning

    private func begin(_ origin: RowOrigin) async throws(StoreFailure) -> CopyNote {
        if let note = try await target.note() {
            guard note.identity == origin.identity else {
                throw StoreFailure(.unusable, "the target is the copy of another store; name an empty one")
            }
            guard note.isFinished || note.state == origin.state else {
                throw StoreFailure(
                    .unusable,
                    "the source was written to since this copy began, so that it cannot go on. Empty the target, and copy "
                        + "again while no server has the source open")
            }
            return note
        }
        for kind in RowKind.allCases where kind != .setting {
            guard try await target.rows(of: kind, after: nil).rows.isEmpty else {
                throw StoreFailure(.unusable, "the target is not empty: it has \(kind.name). Name an empty one")
            }
        }
        let note = CopyNote(origin)
        try await target.write(nil, note)
        return note
    }

    // MARK: Copying

    private func copyKind(_ note: inout CopyNote, _ report: @escaping @Sendable (Step) -> Void)
        async throws(StoreFailure)
    {
        guard let kind = note.kind else { return }
        var page = try await source.rows(of: kind, after: note.position)
        while true {
            // The next page is read while this one is written.
            let position = page.next
            async let following = read(kind, after: position)
            note.position = position
            if position == nil { note.kind = kind.next }
            note.rows += Int64(page.rows.count)
            if kind == .event { note.events += Int64(page.rows.count) }
            try await target.write(page.rows, note)
            report(.copying(rows: note.rows, events: note.events))
            guard let next = try await following.get() else { return }
            page = next
        }
    }

    private func read(_ kind: RowKind, after position: RowPosition?) async -> Result<RowPage?, StoreFailure> {
        guard let position else { return .success(nil) }
        do throws(StoreFailure) {
            return .success(try await source.rows(of: kind, after: position))
        } catch {
            return .failure(error)
        }
    }

    // MARK: Comparing

    private func compare(_ report: @escaping @Sendable (Step) -> Void) async throws(StoreFailure) -> [Comparison] {
        var comparisons: [Comparison] = []
        var rows: Int64 = 0
        for kind in RowKind.allCases {
            let done = rows
            async let ours = StoreCopy.tally(kind, of: source) { report(.comparing(rows: done + $0)) }
            async let theirs = StoreCopy.tally(kind, of: target) { _ in }
            let comparison = Comparison(kind: kind, source: try await ours.get(), target: try await theirs.get())
            rows += comparison.source.count
            comparisons.append(comparison)
        }
        return comparisons
    }

    /// Reads all rows of a kind.
    private static func tally(
        _ kind: RowKind, of source: any RowSource, _ report: @Sendable (Int64) -> Void
    ) async -> Result<RowTally, StoreFailure> {
        var tally = RowTally()
        var position: RowPosition?
        do throws(StoreFailure) {
            while true {
                let page = try await source.rows(of: kind, after: position)
                tally.add(page.rows)
                report(tally.count)
                guard let next = page.next else { return .success(tally) }
                position = next
            }
        } catch {
            return .failure(error)
        }
    }
}
