import OvationCore
import OvationWire

/// The file with the refused rows of an import.
struct ImportReportFile: Sendable {
    private let file: OpenFile
    private let columns: Int
    private let header: [UInt8]

    /// - Parameter place: what is behind it was written and not noted, and goes.
    static func open(
        _ files: JobFiles, _ id: JobID, _ header: [String], at place: Job.Place
    ) async throws -> ImportReportFile {
        let file = try await JobFiles.blocking {
            let file = try OpenFile(try files.path(id, .report), JobFiles.writing)
            try file.cut(to: place.reportBytes)
            return file
        }
        return ImportReportFile(
            file: file, columns: header.count, header: ImportReport.row(header + ImportReport.columns))
    }

    /// - Returns: where the report ends.
    func add(_ batch: [CheckedRow], _ outcomes: [RowOutcome], behind end: Int64) async throws -> Int64 {
        var bytes: [UInt8] = []
        for (checked, outcome) in zip(batch, outcomes) {
            guard case .refused(let refusal) = outcome else { continue }
            let fields = checked.row.fields.prefix(columns)
            let row = ImportReport.row(
                fields + Array(repeating: "", count: columns - fields.count)
                    + [String(checked.row.line), refusal.column, refusal.detail])
            if end == 0, bytes.isEmpty { bytes = header }
            guard end + Int64(bytes.count + row.count) <= Limits.importReportBytesMax else { break }
            bytes += row
        }
        guard !bytes.isEmpty else { return end }
        try await JobFiles.blocking { [bytes] in try file.write(bytes, at: end) }
        return end + Int64(bytes.count)
    }

    func sync() async throws { try await JobFiles.blocking { try file.sync() } }
}
