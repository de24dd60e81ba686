import OvationCore
import OvationWire

/// Makes the file of `POST /audience/profiles/reports/consents`.
struct ConsentReport: Sendable {
    private let run: ProfileFileRun
    private let job: Job
    private let asked: Bodies.ConsentReportRequest

    init(_ run: ProfileFileRun, _ job: Job) throws(Problem) {
        self.run = run
        self.job = job
        asked = try Bodies.ConsentReportRequest(json: try FileRequest(job).asked)
    }

    func write(to output: inout ResultWriter, _ progress: inout FileProgress) async throws {
        let plan = try ConsentReportPlan(asked, run.view(job))
        let header = [ReportRows.exportKey] + plan.channels.map(\.column) + plan.rows.columns
        try await output.append(frame: ImportReport.row(header))
        try await run.forEachPage(of: job, in: plan.rows.sectionsToRead, &progress) { profiles, progress in
            let plan = try ConsentReportPlan(asked, run.view(job))
            var addresses: [(key: ProfileKey, channel: Channel)] = []
            var rows: [(profile: Profile, addresses: [Int?], cells: [String])] = []
            for data in profiles {
                guard let reading = plan.rows.view.reading(data.profile) else { continue }
                let places = plan.channels.map { column -> Int? in
                    guard let key = plan.rows.address(of: data, reading, by: column.channel) else { return nil }
                    addresses.append((key, column.channel.channel))
                    return addresses.count - 1
                }
                rows.append((data.profile, places, plan.rows.cells(of: data, reading)))
            }
            let suppressed = try await run.suppressed(addresses, account: job.account)
            for row in rows {
                let cells = row.addresses.map { place in
                    place.flatMap { suppressed.contains($0) ? nil : addresses[$0].key.text } ?? ""
                }
                try await output.append(
                    ImportReport.row([row.profile.id.hex] + cells + row.cells),
                    beginning: row.profile.members.map(\.id))
            }
            try await progress.noteIfDue(bytes: output.bytes)
        }
    }
}

extension ReportRows {
    /// The column with the export keys.
    static let exportKey = "export_key"
}

/// What such a report has, by the definitions and rights of one moment.
struct ConsentReportPlan: Sendable {
    let rows: ReportRows
    let channels: [(column: String, channel: ReportRows.Channel)]

    init(_ asked: Bodies.ConsentReportRequest, _ view: ProfileView) throws(Problem) {
        rows = try ReportRows(asked.fields, view)
        guard asked.fields.topicDiscriminators != nil || asked.fields.consentListDiscriminator != nil else {
            throw Problem(
                .validationFailed,
                "Say what the consents are to: 'topic_discriminators' or 'consent_list_discriminator'.")
        }
        var channels: [(column: String, channel: ReportRows.Channel)] = []
        switch (asked.fields.channelDiscriminator, asked.channels) {
        case (let text?, nil):
            let channel = try rows.channel(text)
            channels.append((channel.channel.reportColumn, channel))
        case (nil, let named?) where (1...Limits.channelsMax).contains(named.count):
            for one in named { channels.append((one.fieldName, try rows.channel(one.channelDiscriminator))) }
        default:
            throw Problem(.validationFailed, "Name one channel by 'channel_discriminator', or several by 'channels'.")
        }
        self.channels = channels
    }
}

extension Channel {
    /// As the vendor calls the column of a report about one channel.
    fileprivate var reportColumn: String {
        switch discriminator.text {
        case "com.apsis1.channels.email": "Email"
        case "com.apsis1.channels.sms": "Mobile"
        default: name
        }
    }
}
