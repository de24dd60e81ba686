import OvationCore
import OvationWire

/// Makes the file of `POST /audience/profiles/reports/duplicates`: rows by the value of the attribute, which are sorted on the
/// disk where they are many.
struct DuplicateReport: Sendable {
    private let run: ProfileFileRun
    private let job: Job
    private let asked: Bodies.DuplicateReportRequest

    init(_ run: ProfileFileRun, _ job: Job) throws(Problem) {
        self.run = run
        self.job = job
        asked = try Bodies.DuplicateReportRequest(json: try FileRequest(job).asked)
    }

    func write(to output: inout ResultWriter, _ progress: inout FileProgress) async throws {
        let plan = try DuplicateReportPlan(asked, run.view(job))
        let header = [ReportRows.exportKey, plan.attribute.discriminator.text] + plan.rows.columns
        try await output.append(frame: ImportReport.row(header))
        let (files, job) = (run.files, job)
        var sorted = SortedRows(
            try await JobFiles.blocking { try files.makeNameless(job.id) }, bytesMax: run.bytesMax)
        try await run.forEachPage(of: job, in: plan.rows.sectionsToRead, &progress) { profiles, progress in
            let plan = try DuplicateReportPlan(asked, run.view(job))
            for (data, reading) in try await plan.counted(profiles, run, account: job.account) {
                guard let value = plan.rows.value(of: plan.attribute, data, reading) else { continue }
                let row = [data.profile.id.hex, value] + plan.rows.cells(of: data, reading)
                try await sorted.add(
                    key: Array(value.utf8), of: data.profile.id,
                    DuplicateReport.pack(ImportReport.row(row), of: data.profile))
            }
            try await progress.noteIfDue(bytes: 0)
        }
        try await write(try await sorted.merged(), to: &output, &progress)
    }

    /// The number of members beside the canonical one, their ids, and the row.
    private static func pack(_ row: [UInt8], of profile: Profile) -> [UInt8] {
        let members = profile.members.dropFirst()
        var bytes: [UInt8] = []
        withUnsafeBytes(of: UInt32(members.count).littleEndian) { bytes.append(contentsOf: $0) }
        for member in members { withUnsafeBytes(of: member.id.value.littleEndian) { bytes.append(contentsOf: $0) } }
        return bytes + row
    }

    private static func append(_ row: SortedRows.Row, to output: inout ResultWriter) async throws {
        let (members, start) = row.bytes.withUnsafeBytes { bytes in
            let count = Int(UInt32(littleEndian: bytes.loadUnaligned(as: UInt32.self)))
            let members = (0..<count).map {
                ProfileID(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 4 + 8 * $0, as: Int64.self)))
            }
            return (members, 4 + 8 * count)
        }
        try await output.append(Array(row.bytes.dropFirst(start)), beginning: [row.profile] + members)
    }

    /// Only rows whose value another one has.
    private func write(
        _ sorted: SortedRows.Merged, to output: inout ResultWriter, _ progress: inout FileProgress
    ) async throws {
        var rows = sorted
        var last: (row: SortedRows.Row, isWritten: Bool)?
        while true {
            try Task.checkCancellation()
            let (some, rest) = try await JobFiles.blocking { [rows] in
                var rows = rows
                var (some, bytes) = ([SortedRows.Row](), 0)
                while some.count < Limits.profilesAskedMax, bytes < Limits.jobProfilesBytesMax,
                    let row = try rows.next()
                {
                    some.append(row)
                    bytes += row.bytes.count
                }
                return (some, rows)
            }
            rows = rest
            guard !some.isEmpty else { return }
            for row in some {
                let isSame = last.map { $0.row.key.elementsEqual(row.key) } ?? false
                // A profile that was merged meanwhile can come twice, and is no duplicate of itself.
                if isSame, last?.row.profile == row.profile { continue }
                if isSame, let first = last, !first.isWritten {
                    try await DuplicateReport.append(first.row, to: &output)
                }
                if isSame { try await DuplicateReport.append(row, to: &output) }
                last = (row, isSame)
            }
            try await progress.noteIfDue(bytes: output.bytes)
        }
    }
}

/// What such a report has, by the definitions and rights of one moment.
struct DuplicateReportPlan: Sendable {
    let rows: ReportRows
    let attribute: Attribute
    /// nil: all profiles count.
    private let channel: ReportRows.Channel?

    init(_ asked: Bodies.DuplicateReportRequest, _ view: ProfileView) throws(Problem) {
        let rows = try ReportRows(asked.fields, view)
        self.rows = rows
        let named = try NamedFields(
            attributes: [Bodies.WrittenKey(asked.attributeDiscriminator)], tags: nil, in: rows.section, view)
        attribute = named.attributes[0]
        guard (asked.fields.channelDiscriminator == nil) == rows.topics.isEmpty else {
            throw Problem(
                .validationFailed,
                "For profiles that may be written to, name a channel and topics: 'channel_discriminator' with "
                    + "'topic_discriminators' or 'consent_list_discriminator'. For all profiles, name neither.")
        }
        channel = try asked.fields.channelDiscriminator.map { text throws(Problem) in try rows.channel(text) }
    }

    /// Those that count: that may be read and, where there is a channel, written to.
    func counted(
        _ profiles: [ProfileData], _ run: ProfileFileRun, account: Int64
    ) async throws -> [(data: ProfileData, reading: ProfileReading)] {
        let readable = profiles.compactMap { data in rows.view.reading(data.profile).map { (data: data, reading: $0) } }
        guard let channel else { return readable }
        let written = readable.compactMap { one in
            rows.address(of: one.data, one.reading, by: channel).map { (one: one, key: $0) }
        }
        let suppressed = try await run.suppressed(written.map { ($0.key, channel.channel) }, account: account)
        return written.enumerated().filter { !suppressed.contains($0.offset) }.map(\.element.one)
    }
}
