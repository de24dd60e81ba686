import Hummingbird
import OvationConsole
import OvationCore
import OvationWire

/// `/console/sections/{section}/exports`
enum ExportForm {
    @Sendable static func show(_ visit: Visit) async throws -> Response {
        let section = try visit.section()
        let types = visit.catalogue.eventTypes.filter { $0.section == section.discriminator }
        let page = ExportsPage(
            section: Named(section),
            others: visit.catalogue.sections.filter { $0.discriminator != section.discriminator }.map {
                .init(name: $0.name, href: ConsolePath.exports($0.discriminator))
            }, formats: ExportFormat.allCases.map { Choice(value: $0.rawValue, label: $0.words) },
            eventTypes: types.map { Choice(value: $0.discriminator.text, label: $0.name) },
            isMasked: visit.session.isMasked)
        return await visit.page(page, area: .jobs)
    }
}

/// `/console/sections/{section}/exports/profiles`
enum ProfilesDownload {
    @Sendable static func send(_ visit: Visit) async throws -> Response {
        let format = try visit.exportFormat()
        return try await visit.download(
            ExportProfiles.self, ["section": try visit.section().discriminator.text], query: format.query,
            as: "profiles.\(format.ending)")
    }
}

/// `/console/sections/{section}/exports/events`
enum EventsDownload {
    @Sendable static func send(_ visit: Visit) async throws -> Response {
        let format = try visit.exportFormat()
        let type = try visit.query("event_discriminator")
        return try await visit.download(
            ExportEvents.self, ["section": try visit.section().discriminator.text],
            query: format.query + [("event_discriminators", type)], as: "events.\(format.ending)")
    }
}

private enum ExportFormat: String, CaseIterable {
    case csv, ndjson, parquet

    var words: String {
        switch self {
        case .csv: "CSV, for spreadsheets"
        case .ndjson: "Lines of JSON, for programs"
        case .parquet: "Parquet, for analysis"
        }
    }

    var ending: String { rawValue }

    var query: [(String, String)] {
        // Spreadsheets take a file without the mark for one of another encoding.
        [("format", rawValue)] + (self == .csv ? [("bom", "true")] : [])
    }
}

extension Visit {
    fileprivate func exportFormat() throws(Problem) -> ExportFormat {
        guard let format = ExportFormat(rawValue: try query("format")) else {
            throw Problem(.invalidParameter, "'format' is csv, ndjson or parquet.")
        }
        return format
    }

    /// A file as the endpoint gives it.
    /// - Parameter name: of the file; nil: the endpoint names it.
    /// - Throws: where profile keys are masked. A file has them as they are.
    func download<Handler: EndpointHandler>(
        _ handler: Handler.Type, _ path: KeyValuePairs<String, String>, query: [(String, String)] = [],
        as name: String? = nil
    ) async throws -> Response {
        guard !session.isMasked else {
            throw Problem(.conflict, "Profile keys are masked in this session. Show them to download the file.")
        }
        var response = try await console.api.respond(handler, .init(path: path, query: query), as: caller)
        if let name { response.headers[.contentDisposition] = "attachment; filename=\"\(name)\"" }
        return response
    }
}
