import NIOCore
import OvationCore
import OvationWire
import ServiceLifecycle

/// A running export: it reads a page while the one before is sent, and holds only these two, however slowly the reader
/// takes them.
struct Export: Sendable {
    let dependencies: Dependencies
    let caller: Identity
    let section: Discriminator<Section>
    let kind: ExportKind
    /// Also event types that may not be read through the keyspace of the profile's key.
    let ignoresPermissions: Bool
    /// Ends with a line that says what the export had.
    let hasSummary: Bool
    /// Also what was changed of the profiles.
    let hasChanges: Bool

    /// About what an event takes beside its data.
    private static let bytesBesideData = 128

    private struct Counts {
        var events = 0
        var changes = 0
        var leftOut = 0
    }

    /// - Parameters:
    ///   - range: of the export, up to its end: what arrives meanwhile is for the next export, so that this one ends.
    /// - Throws: when the export cannot continue; the reader sees that the answer is cut off.
    func run(from first: ExportPage, _ range: ExportRange, to output: StreamOutput) async throws {
        var writer = ExportWriter(kind)
        var counts = Counts()
        var page = first
        var range = range
        var changes = hasChanges ? ExportedChanges(range, from: dependencies.store) : nil
        while true {
            if Task.isShuttingDownGracefully { throw StreamEnd.serverStopping }
            range.after = page.next ?? range.after
            let following = page.next == nil ? nil : range
            async let next = read(following)
            try await write(page, &changes, &writer, &counts, to: output)
            guard let read = try await next else { break }
            page = read
        }
        let summary = summary(counts, last: range.through ?? first.newest)
        try await output.write(try await writer.finish(summary, isWanted: hasSummary))
    }

    private func read(_ range: ExportRange?) async throws -> ExportPage? {
        guard let range else { return nil }
        return try await dependencies.store.events(of: range)
    }

    /// With the present rights and definitions: an export can take hours.
    private func write(
        _ page: ExportPage, _ changes: inout ExportedChanges?, _ writer: inout ExportWriter, _ counts: inout Counts,
        to output: StreamOutput
    ) async throws {
        let current = try dependencies.directory.current(caller)
        var view = ExportView(
            current, section: try current.section(section).discriminator, ignoresPermissions: ignoresPermissions)
        var start = 0
        while true {
            // Those before the next event, or before what the next page has.
            let end = start < page.rows.count ? page.rows[start].id : page.next.map { $0 + 1 } ?? .max
            while let row = try await changes?.take(before: end) {
                append(row, &writer, view, &counts)
                try await writeIfFull(&writer, to: output)
            }
            guard start < page.rows.count else { return }
            start = append(page, from: start, before: changes?.nextPosition ?? .max, &writer, &view, &counts)
            if writer.isFull {
                try await output.write(try await writer.take())
            } else {
                try await writer.giveTurn()
            }
        }
    }

    private func append(
        _ row: ChangeExportPage.Row, _ writer: inout ExportWriter, _ view: ExportView, _ counts: inout Counts
    ) {
        guard let keyspace = view.keyspace(row.key.keyspace),
            let change = Bodies.ExportedChange(row, keyspace, view.fields(through: keyspace))
        else {
            counts.leftOut += 1
            return
        }
        writer.append(line: change.json)
        counts.changes += 1
    }

    private func writeIfFull(_ writer: inout ExportWriter, to output: StreamOutput) async throws {
        guard writer.isFull else { return }
        try await output.write(try await writer.take())
    }

    /// Rows up to the size of one part, of what is written or of the event data that is read: in Parquet little is written
    /// of many rows.
    /// - Parameter id: where the next change stands.
    /// - Returns: the index of the first remaining one.
    private func append(
        _ page: ExportPage, from start: Int, before id: Int64, _ writer: inout ExportWriter, _ view: inout ExportView,
        _ counts: inout Counts
    ) -> Int {
        page.data.withUnsafeBufferPointer { data in
            page.keys.withUnsafeBufferPointer { keys in
                var index = start
                var dataStart = start == 0 ? 0 : page.rows[start - 1].dataEnd
                let dataMax = dataStart + ExportWriter.partBytes
                while index < page.rows.count, !writer.isFull,
                    dataStart + (index - start) * Export.bytesBesideData < dataMax
                {
                    let row = page.rows[index]
                    if row.id > id { break }
                    let its = dataStart..<row.dataEnd
                    dataStart = row.dataEnd
                    index += 1
                    let profile = page.profiles[row.profile]
                    guard let (eventType, keyspace) = view.names(of: row.version, in: profile.keyspace) else {
                        counts.leftOut += 1
                        continue
                    }
                    counts.events += 1
                    writer.append(
                        ExportedEvent(
                            id: row.id, eventTime: row.eventTime, receivedAt: row.receivedAt, version: row.version,
                            section: view.section, eventType: eventType, keyspace: keyspace,
                            key: UnsafeBufferPointer(rebasing: keys[profile.key]),
                            data: UnsafeBufferPointer(rebasing: data[its])))
                }
                return index
            }
        }
    }

    private func summary(_ counts: Counts, last: Int64) -> Bodies.ExportSummary {
        var summary = Bodies.ExportSummary()
        summary.events = Int64(counts.events)
        if hasChanges { summary.changes = Int64(counts.changes) }
        summary.leftOut = Int64(counts.leftOut)
        summary.lastEventID = String(last)
        summary.account = caller.catalogue.account.id
        return summary
    }
}

/// The events that a caller may read, with their names in an export.
struct ExportView {
    let section: [UInt8]
    private let caller: Identity
    private let ignoresPermissions: Bool
    private let keyspaces: [Int64: Keyspace]
    private var known: [VersionInKeyspace: Names?] = [:]
    /// The previous result, since most events are similar to the one before them.
    private var last: (place: VersionInKeyspace, names: Names?)?

    private struct VersionInKeyspace: Hashable {
        let version: EventVersion.ID
        let keyspace: Int64
    }

    typealias Names = (eventType: [UInt8], keyspace: [UInt8])

    init(_ caller: Identity, section: Discriminator<Section>, ignoresPermissions: Bool) {
        self.caller = caller
        self.section = Array(section.text.utf8)
        self.ignoresPermissions = ignoresPermissions
        keyspaces = Dictionary(caller.catalogue.keyspaces.map { ($0.number, $0) }, uniquingKeysWith: { $1 })
    }

    /// nil: it may not be read.
    mutating func names(of version: EventVersion.ID, in keyspace: Int64) -> Names? {
        let place = VersionInKeyspace(version: version, keyspace: keyspace)
        if let last, last.place == place { return last.names }
        let names = known[place] ?? look(place)
        known[place] = names
        last = (place, names)
        return names
    }

    /// nil: the caller may not read through it.
    func keyspace(_ number: Int64) -> Keyspace? {
        keyspaces[number].flatMap { caller.key.mayRead($0.discriminator) ? $0 : nil }
    }

    func fields(through keyspace: Keyspace) -> ReadableFields {
        ReadableFields(
            caller.catalogue, through: keyspace.discriminator, ignoringPermissions: ignoresPermissions)
    }

    private func look(_ place: VersionInKeyspace) -> Names? {
        guard let keyspace = keyspace(place.keyspace),
            let eventType = caller.catalogue.version(place.version)?.eventType,
            ignoresPermissions || eventType.permission(in: keyspace.discriminator).read
        else { return nil }
        return (Array(eventType.discriminator.text.utf8), Array(keyspace.discriminator.text.utf8))
    }
}
