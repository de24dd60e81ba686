import HTTPTypes
import Hummingbird
import NIOCore
import OvationCore
import OvationWire

/// `GET /audience/sections/{section}/events/export`: all events of a section in the order of their arrival, as lines
/// that a bulk upload takes, or as CSV; with `include=changes` also what was changed of the profiles.
struct ExportEvents: EndpointHandler {
    let dependencies: Dependencies

    func respond(to call: Call) async throws -> Response {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        guard caller.catalogue.keyspaces.contains(where: { caller.key.mayRead($0.discriminator) }) else {
            throw Problem(.keyspaceForbidden, "This API key may read no keyspace, so there is nothing to export.")
        }
        let types = try eventTypes(call, in: section)
        let format = try format(call, types)
        let hasChanges = try call.includesChanges()
        if hasChanges, case .csv = format {
            throw Problem(.invalidParameter, "Changes are given as lines of JSON; leave out 'format' or 'include'.")
        }
        var range = ExportRange(
            account: caller.key.account, section: section.number, after: try position(call),
            versions: types.map { Set($0.flatMap { $0.versions.map(\.id) }) }, from: try call.timestamp("from"),
            to: try call.timestamp("to"), limit: Limits.exportPageEvents, bytesMax: Limits.exportPageBytes)
        let export = Export(
            dependencies: dependencies, caller: caller, section: section.discriminator, format: format,
            ignoresPermissions: try call.ignoresKeyspacePermissions(),
            hasSummary: try call.flag("summary"), hasChanges: hasChanges)
        let slot = try dependencies.exports.take(for: caller.key)
        // Changes first: all events before the newest of them are there when events are read.
        let newestChange = hasChanges ? try await newestChange(of: range) : 0
        // The first page comes before the answer, so that an unreadable store is not an empty export.
        let first = try await dependencies.store.events(of: range)
        range.through = max(first.newest, newestChange)
        let body = ResponseBody.stream(on: call.connection) { [range] output in
            try await export.run(from: first, range, to: output)
            withExtendedLifetime(slot) {}
        }
        let type =
            switch format {
            case .ndjson: LoadEvents.mediaType
            case .csv: "text/csv; charset=utf-8; header=present"
            }
        return Response(
            status: .ok,
            headers: [
                .contentType: type, .cacheControl: "no-store",
                // nginx would hold the stream back otherwise.
                HTTPField.Name("X-Accel-Buffering")!: "no",
            ], body: body)
    }

    private func newestChange(of range: ExportRange) async throws -> Int64 {
        var range = range
        range.limit = 1
        return try await dependencies.store.changes(of: range).newest
    }

    /// nil: all.
    private func eventTypes(_ call: Call, in section: Section) throws(Problem) -> [EventType]? {
        let wanted = Set(try call.parameters("event_discriminators"))
        guard !wanted.isEmpty else { return nil }
        guard wanted.count <= Limits.eventTypeFiltersMax else {
            throw Problem(
                .invalidParameter, "At most \(Limits.eventTypeFiltersMax) event types can be given at once.")
        }
        let inSection = try call.caller().catalogue.eventTypes.filter { $0.section == section.discriminator }
        if let unknown = wanted.first(where: { word in !inSection.contains { $0.discriminator.text == word } }) {
            throw Problem(.invalidParameter, "The section has no event type \(unknown.quoted).")
        }
        return inSection.filter { wanted.contains($0.discriminator.text) }
    }

    private func format(_ call: Call, _ types: [EventType]?) throws(Problem) -> ExportFormat {
        let guardsFormulas: Bool
        switch try call.parameter("formulas") {
        case nil, "guard": guardsFormulas = true
        case "keep": guardsFormulas = false
        default: throw Problem(.invalidParameter, "'formulas' is guard or keep.")
        }
        // It is read even if it has no effect, so that an empty or repeated parameter is refused in every format.
        let hasMark = try call.flag("bom")
        switch try call.parameter("format") {
        case nil, "ndjson": return .ndjson
        case "csv":
            let fields = types?.count == 1 ? types?.first?.fieldNames : nil
            return .csv(CSVColumns(fields: fields, guardsFormulas: guardsFormulas, hasMark: hasMark))
        default: throw Problem(.invalidParameter, "'format' is ndjson or csv.")
        }
    }

    private func position(_ call: Call) throws(Problem) -> Int64 {
        guard let text = try call.parameter("after"), text != "0" else { return 0 }
        guard let id = VersionID.parse(text) else {
            throw Problem(.invalidParameter, "'after' is the id of an event.")
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
