public import OvationWire

enum ProfileLines: ExportedLines {
    static let endpoint = Endpoint.exportProfiles

    static func summary(_ line: JSONValue) -> Bodies.ProfileExportSummary? {
        (try? Bodies.ProfileExportEnd(received: line))?.summary
    }

    static func place(_ line: JSONValue) -> String? {
        (try? Bodies.ExportedProfile(received: line)).flatMap { $0.cursor.isEmpty ? nil : $0.cursor }
    }
}

/// An export of profiles that did not come to its end.
public struct IncompleteProfilesExport: Error, Sendable {
    public let failure: ClientFailure
    /// Of the last line that was written. An export with `after` goes on from here. nil: nothing was written, or it is CSV.
    public let cursor: String?
}

/// All profiles with what they hold in a section. After a break an export of lines of JSON goes on behind the last one that was
/// written.
public struct ProfilesExport: Sendable {
    private let attempts: ExportRun<ProfileLines>

    /// - Parameters:
    ///   - query: parameters of the endpoint, but for `format`, `summary` and `after`.
    ///   - after: only what comes behind the line with this cursor.
    public init(
        of section: String, query: [QueryParameter], format: SectionExport.Format, after: String?,
        through client: APIClient, observer: any ExportObserver
    ) {
        attempts = ExportRun(
            client: client, section: section, query: query, format: format, after: after, observer: observer)
    }

    /// The cursor of a line; nil: it has none.
    public static func cursor(ofLine line: [UInt8]) -> String? {
        (try? JSONValue(parsing: line)).flatMap { ProfileLines.place($0) }
    }

    /// - Returns: what the export has, all attempts together.
    /// - Throws: ``IncompleteProfilesExport`` after a break; ``ClientFailure``; or what the observer threw.
    public func run() async throws -> Bodies.ProfileExportSummary {
        do {
            var (summary, lines) = try await attempts.run()
            // The server counts from where the last attempt began.
            if let lines { summary.profiles = Int64(lines) }
            return summary
        } catch let broken as BrokenExport<ProfileLines> {
            throw IncompleteProfilesExport(
                failure: broken.failure, cursor: attempts.format == .csv ? nil : broken.tail.after)
        }
    }
}
