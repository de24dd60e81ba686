import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire
import ServiceLifecycle

/// `GET /audience/sections/{section}/profiles/export`: all profiles with what they hold in a section, as lines of JSON, as CSV or as Parquet.
struct ExportProfiles: EndpointHandler {
    let dependencies: Dependencies

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        guard caller.catalogue.keyspaces.contains(where: { caller.key.mayRead($0.discriminator) }) else {
            throw Problem(.keyspaceForbidden, "This API key may read no keyspace, so there is nothing to export.")
        }
        let ignoresPermissions = try call.ignoresKeyspacePermissions()
        let format = try format(
            call, SectionProfileView(caller, section: section, ignoresPermissions: ignoresPermissions))
        let cursor = try call.parameter("after").map { text throws(Problem) in try ProfileExportCursor(parsing: text) }
        // Opt-outs of the whole account stand in section 0.
        var range = ProfileExportRange(
            account: caller.key.account, sections: [0, section.number], after: cursor?.after,
            since: cursor?.since ?? .max)
        let export = ProfilesExport(
            dependencies: dependencies, caller: caller, section: section.discriminator, format: format,
            ignoresPermissions: ignoresPermissions, hasSummary: try call.flag("summary"))
        let slot = try dependencies.exports.take(for: caller.key)
        // The first page comes before the answer, so that an unreadable store is not an empty export.
        let first = try await dependencies.store.profiles(of: range)
        if cursor == nil { range.since = first.newest }
        let body = ResponseBody.stream(on: call.connection) { [range] output in
            try await export.run(from: first, range, to: output)
            withExtendedLifetime(slot) {}
        }
        let type =
            switch format {
            case .ndjson: LoadEvents.mediaType
            case .csv: "text/csv; charset=utf-8; header=present"
            case .parquet: ExportKind.parquetMediaType
            }
        return Response(
            status: .ok,
            headers: [
                .contentType: type, .cacheControl: "no-store",
                // nginx would hold the stream back otherwise.
                HTTPField.Name("X-Accel-Buffering")!: "no",
            ], body: body)
    }

    private func format(_ call: Call, _ view: SectionProfileView) throws(Problem) -> ProfilesExport.Format {
        let guardsFormulas: Bool
        switch try call.parameter("formulas") {
        case nil, "guard": guardsFormulas = true
        case "keep": guardsFormulas = false
        default: throw Problem(.invalidParameter, "'formulas' is guard or keep.")
        }
        // Each is read even if it has no effect, so that an empty or repeated parameter is refused in every format.
        let (hasMark, hasTimes) = (try call.flag("bom"), try call.flag("set_at"))
        switch try call.parameter("format") {
        case nil, "ndjson": return .ndjson(hasTimes: hasTimes)
        case "csv":
            guard !hasTimes else {
                throw Problem(
                    .invalidParameter, "Times are given in lines of JSON; leave out 'format' or 'set_at'.")
            }
            let columns = view.columns(guardsFormulas: guardsFormulas, hasMark: hasMark)
            guard columns.count <= Limits.exportColumnsMax else {
                throw Problem(
                    .invalidParameter,
                    "The section would have \(columns.count) columns, and a line of CSV has \(Limits.exportColumnsMax) at "
                        + "most; leave out 'format'.")
            }
            return .csv(columns)
        case "parquet":
            guard !hasTimes else {
                throw Problem(
                    .invalidParameter, "Times are given in lines of JSON; leave out 'format' or 'set_at'.")
            }
            let columns = view.columns(guardsFormulas: false, hasMark: false)
            return .parquet(try ProfileExportColumns(columns, in: view.section, of: view.catalogue))
        default: throw Problem(.invalidParameter, "'format' is ndjson, csv or parquet.")
        }
    }
}

/// A running export of profiles: as that of events, it reads a page while the one before is sent.
struct ProfilesExport: Sendable {
    enum Format: Sendable {
        case ndjson(hasTimes: Bool)
        case csv(ProfileColumns)
        case parquet(ProfileExportColumns)
    }

    let dependencies: Dependencies
    let caller: Identity
    let section: Discriminator<Section>
    let format: Format
    /// Also what may not be read through any keyspace of the profile's keys.
    let ignoresPermissions: Bool
    /// Ends with a line that says what the export had.
    let hasSummary: Bool

    /// Bytes that are written at once.
    private static let partBytes = 256 * 1024

    /// - Throws: when the export cannot continue; the reader sees that the answer is cut off.
    func run(from first: ProfileExportPage, _ range: ProfileExportRange, to output: StreamOutput) async throws {
        var writer = JSONWriter()
        var table: ProfileExportTable?
        switch format {
        case .ndjson: break
        case .csv(let columns): writer.append(csvHeader: columns)
        case .parquet(let columns): table = ProfileExportTable(columns)
        }
        var summary = Bodies.ProfileExportSummary()
        var page = first
        var range = range
        while true {
            if Task.isShuttingDownGracefully { throw StreamEnd.serverStopping }
            range.after = page.next
            let following = page.next == nil ? nil : range
            async let next = read(following)
            try await write(page, since: range.since, &writer, table, &summary, to: output)
            guard let read = try await next else { break }
            page = read
        }
        if let table {
            return try await output.write(ByteBuffer(bytes: try await table.finish(summary)))
        }
        if hasSummary {
            var end = Bodies.ProfileExportEnd()
            end.summary = summary
            writer.append(end.json)
            writer.append(raw: "\n")
        }
        try await output.write(ByteBuffer(bytes: writer.bytes))
    }

    private func read(_ range: ProfileExportRange?) async throws -> ProfileExportPage? {
        guard let range else { return nil }
        return try await dependencies.store.profiles(of: range)
    }

    /// With the present rights and definitions: an export can take hours.
    private func write(
        _ page: ProfileExportPage, since: Int64, _ writer: inout JSONWriter, _ table: ProfileExportTable?,
        _ summary: inout Bodies.ProfileExportSummary, to output: StreamOutput
    ) async throws {
        let current = try dependencies.directory.current(caller)
        let view = SectionProfileView(
            current, section: try current.section(section), ignoresPermissions: ignoresPermissions)
        var lines = ProfileLines(view, since: since)
        for (data, place) in zip(page.profiles, page.places) {
            let isShown =
                switch format {
                case .ndjson(let hasTimes): lines.append(data, at: place, hasTimes: hasTimes, to: &writer)
                case .csv(let columns): lines.append(data, columns, to: &writer)
                case .parquet: table?.append(data, &lines) ?? false
                }
            if isShown { summary.profiles += 1 } else { summary.leftOut += 1 }
            if let table {
                if table.isFull { try await output.write(ByteBuffer(bytes: try await table.take())) }
                continue
            }
            guard writer.bytes.count >= ProfilesExport.partBytes else { continue }
            try await output.write(ByteBuffer(bytes: writer.bytes))
            writer.bytes.removeAll(keepingCapacity: true)
        }
    }
}
