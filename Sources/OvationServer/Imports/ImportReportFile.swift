import OvationCore
import OvationWire

/// The file with the refused rows of an import.
struct ImportReportFile: Sendable {
    private let file: OpenFile
    private let columns: Int
    private let header: [UInt8]
    /// The last row of a report that is full; it has no line.
    private let last: [UInt8]
    private let bytesMax: Int64
    private var isFull = false

    /// - Parameters:
    ///   - place: what is behind it was written and not noted, and goes.
    ///   - bytesMax: of the report. The last row says that rows beyond are counted only.
    init(
        _ files: JobFiles, _ id: JobID, _ header: [String], at place: Job.Place,
        bytesMax: Int64 = Int64(Limits.importReportBytesMax)
    ) async throws {
        self.header = ImportReport.row(header + ImportReport.columns)
        self.bytesMax = bytesMax
        columns = header.count
        let last = ImportReport.row(
            Array(repeating: "", count: header.count) + [
                "", "", "The report is full. Rows that are refused after this one are counted only.",
            ])
        self.last = last
        (file, isFull) = try await JobFiles.blocking {
            let file = try OpenFile(try files.path(id, .report), JobFiles.writing)
            try file.cut(to: place.reportBytes)
            let length = Int64(last.count)
            guard place.reportBytes >= length else { return (file, false) }
            return (file, try file.read(last.count, at: place.reportBytes - length) == last)
        }
    }

    /// - Returns: where the report ends.
    mutating func add(_ batch: [CheckedRow], _ outcomes: [RowOutcome], behind end: Int64) async throws -> Int64 {
        guard !isFull else { return end }
        var bytes: [UInt8] = []
        for (checked, outcome) in zip(batch, outcomes) {
            guard case .refused(let refusal) = outcome else { continue }
            let fields = checked.row.fields.prefix(columns).map(ImportReport.meaning)
            let row = ImportReport.row(
                fields + Array(repeating: "", count: columns - fields.count)
                    + [String(checked.row.line), refusal.column, refusal.detail])
            if end == 0, bytes.isEmpty { bytes = header }
            guard end + Int64(bytes.count + row.count + last.count) <= bytesMax else {
                bytes += last
                isFull = true
                break
            }
            bytes += row
        }
        guard !bytes.isEmpty else { return end }
        try await JobFiles.blocking { [file, bytes] in try file.write(bytes, at: end) }
        return end + Int64(bytes.count)
    }

    func sync() async throws { try await JobFiles.blocking { [file] in try file.sync() } }
}
