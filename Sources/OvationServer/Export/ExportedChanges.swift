import OvationCore

/// The changes of an export, read a page at a time when they are wanted.
struct ExportedChanges: Sendable {
    private let store: any Store
    /// nil: all are read.
    private var range: ExportRange?
    private var rows: ArraySlice<ChangeExportPage.Row> = []

    /// - Parameter range: of the export; up to an end.
    init(_ range: ExportRange, from store: any Store) {
        self.store = store
        self.range = range
        self.range?.limit = Limits.exportPageChanges
    }

    /// The next one, if its position is lower than an id.
    mutating func take(before id: Int64) async throws -> ChangeExportPage.Row? {
        while rows.isEmpty, let range {
            let page = try await store.changes(of: range)
            rows = page.rows[...]
            if let next = page.next { self.range?.after = next } else { self.range = nil }
        }
        guard let first = rows.first, first.change.position < id else { return nil }
        return rows.removeFirst()
    }

    /// Where the next one stands, after ``take(before:)`` gave none.
    var nextPosition: Int64 { rows.first?.change.position ?? .max }
}
