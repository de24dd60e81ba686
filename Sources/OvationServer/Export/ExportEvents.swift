import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/events/export`: all events of a section in the order of their arrival, as lines
/// that a bulk upload takes, as CSV or as Parquet; with `include=changes` also what was changed of the profiles.
struct ExportEvents: EndpointHandler {
    let dependencies: Dependencies

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let (section, _, _) = try content(of: call, for: caller)
        guard caller.catalogue.keyspaces.contains(where: { caller.key.mayRead($0.discriminator) }) else {
            throw Problem(.keyspaceForbidden, "This API key may read no keyspace, so there is nothing to export.")
        }
        var range = ExportRange(
            account: caller.key.account, section: section.number, after: try position(call, "after") ?? 0,
            through: try position(call, "through"), from: try call.timestamp("from"), to: try call.timestamp("to"),
            limit: Limits.exportPageEvents, bytesMax: Limits.exportPageBytes)
        let hasChanges = try call.includesChanges()
        let (ignoresPermissions, hasSummary) = (try call.ignoresKeyspacePermissions(), try call.flag("summary"))
        let slot = try dependencies.exports.take(for: caller.key)
        range.through = min(range.through ?? .max, try await newest(range, hasChanges: hasChanges))
        // Definitions come after the end is known, so that the version of each event before it is among them.
        await dependencies.directory.catchUp(dependencies.signer)
        let current = try dependencies.directory.current(caller)
        let (_, types, kind) = try content(of: call, for: current)
        range.versions = types.map { Set($0.flatMap { $0.versions.map(\.id) }) }
        let export = Export(
            dependencies: dependencies, caller: current, section: section.discriminator, kind: kind,
            ignoresPermissions: ignoresPermissions, hasSummary: hasSummary, hasChanges: hasChanges)
        // The first page comes before the answer, so that an unreadable store is not an empty export.
        let first = try await dependencies.store.events(of: range)
        let body = ResponseBody.stream(on: call.connection) { [range] output in
            try await export.run(from: first, range, to: output)
            withExtendedLifetime(slot) {}
        }
        return Response(
            status: .ok,
            headers: [
                .contentType: mediaType(kind), .cacheControl: "no-store",
                // nginx would hold the stream back otherwise.
                HTTPField.Name("X-Accel-Buffering")!: "no",
            ], body: body)
    }

    private func mediaType(_ kind: ExportKind) -> String {
        switch kind {
        case .lines(.ndjson): LoadEvents.mediaType
        case .lines(.csv): "text/csv; charset=utf-8; header=present"
        case .parquet: ExportKind.parquetMediaType
        }
    }

    /// The newest event, and the newest change where changes are exported too. What comes later is for the next export.
    private func newest(_ range: ExportRange, hasChanges: Bool) async throws -> Int64 {
        var range = range
        range.limit = 1
        // Of the store, wherever the export is to end.
        range.through = nil
        // Changes first: all events before the newest of them are there when events are read.
        let newestChange = hasChanges ? try await dependencies.store.changes(of: range).newest : 0
        // No event is read for it.
        range.after = .max
        return max(try await dependencies.store.events(of: range).newest, newestChange)
    }

    /// What is exported, as the definitions of a caller have it.
    private func content(
        of call: Call, for caller: Identity
    ) throws(Problem) -> (Section, [EventType]?, ExportKind) {
        let section = try caller.section(call.path.section())
        let types = try eventTypes(call, of: caller, in: section)
        return (section, types, try kind(call, types))
    }

    /// nil: all.
    private func eventTypes(
        _ call: Call, of caller: Identity, in section: Section
    ) throws(Problem) -> [EventType]? {
        let wanted = Set(try call.parameters("event_discriminators"))
        guard !wanted.isEmpty else { return nil }
        guard wanted.count <= Limits.eventTypeFiltersMax else {
            throw Problem(
                .invalidParameter, "At most \(Limits.eventTypeFiltersMax) event types can be given at once.")
        }
        let inSection = caller.catalogue.eventTypes.filter { $0.section == section.discriminator }
        if let unknown = wanted.first(where: { word in !inSection.contains { $0.discriminator.text == word } }) {
            throw Problem(.invalidParameter, "The section has no event type \(unknown.quoted).")
        }
        return inSection.filter { wanted.contains($0.discriminator.text) }
    }

    private func kind(_ call: Call, _ types: [EventType]?) throws(Problem) -> ExportKind {
        let guardsFormulas: Bool
        switch try call.parameter("formulas") {
        case nil, "guard": guardsFormulas = true
        case "keep": guardsFormulas = false
        default: throw Problem(.invalidParameter, "'formulas' is guard or keep.")
        }
        // It is read even if it has no effect, so that an empty or repeated parameter is refused in every format.
        let hasMark = try call.flag("bom")
        let format = try call.parameter("format") ?? "ndjson"
        let hasChanges = try call.includesChanges()
        guard format == "ndjson" || !hasChanges else {
            throw Problem(.invalidParameter, "Changes are given as lines of JSON; leave out 'format' or 'include'.")
        }
        switch format {
        case "ndjson": return .lines(.ndjson)
        case "csv":
            let fields = types?.count == 1 ? types?.first?.fieldNames : nil
            return .lines(.csv(CSVColumns(fields: fields, guardsFormulas: guardsFormulas, hasMark: hasMark)))
        case "parquet":
            guard let type = types?.first, types?.count == 1 else {
                throw Problem(
                    .invalidParameter,
                    "A file of Parquet has the events of one type: give 'event_discriminators' one value.")
            }
            return .parquet(
                try EventColumns(
                    of: type.discriminator.text, fields: type.versions.reversed().flatMap(\.schema.fields)))
        default: throw Problem(.invalidParameter, "'format' is ndjson, csv or parquet.")
        }
    }

    private func position(_ call: Call, _ name: String) throws(Problem) -> Int64? {
        guard let text = try call.parameter(name) else { return nil }
        guard let id = text == "0" ? 0 : VersionID.parse(text) else {
            throw Problem(.invalidParameter, "'\(name)' is the id of an event.")
        }
        return id
    }
}

extension EventType {
    /// The fields of all versions: those of the newest first, and then those that only older ones had.
    var fieldNames: [String] {
        var names: [String] = []
        for version in versions.reversed() {
            for field in version.schema.fields where !names.contains(field.name) { names.append(field.name) }
        }
        return names
    }
}
