import OvationCore
import OvationWire

/// Makes the file of `POST /audience/profiles/exports`.
struct AllProfilesExport: Sendable {
    private let run: ProfileFileRun
    private let job: Job
    private let asked: Bodies.ProfileExportRequest

    init(_ run: ProfileFileRun, _ job: Job) throws(Problem) {
        self.run = run
        self.job = job
        asked = try Bodies.ProfileExportRequest(json: try FileRequest(job).asked)
    }

    func write(to output: inout ResultWriter, _ progress: inout FileProgress) async throws {
        try await output.append(frame: Array("{\"profiles\":{".utf8))
        let sections = try run.view(job).sections.map(\.number)
        try await run.forEachPage(of: job, in: [0] + sections, &progress) { profiles, progress in
            // With the present rights and definitions: an export can take hours.
            let view = try run.view(job)
            let json = ProfileJSON(
                store: run.store, view: view, selection: try asked.selection(view), account: job.account)
            var rest = profiles[...]
            while !rest.isEmpty {
                let some = Array(rest.prefix(Limits.jobEventReadsMax))
                rest = rest.dropFirst(some.count)
                for read in try await AllProfilesExport.read(some, json) {
                    try await json.write(read.data, read.reading, read.events, to: &output, &progress)
                }
                try await progress.noteIfDue(bytes: output.bytes)
            }
        }
        try await output.append(frame: Array("}}".utf8))
    }

    private struct Read: Sendable {
        let data: ProfileData
        let reading: ProfileReading
        let events: [Int64: ProfileJSON.Events]
    }

    /// Those that may be read, in their order. Their events are read at the same time.
    private static func read(_ profiles: [ProfileData], _ json: ProfileJSON) async throws -> [Read] {
        try await withThrowingTaskGroup(of: (Int, Read).self) { group in
            for (index, data) in profiles.enumerated() {
                guard let reading = json.view.reading(data.profile) else { continue }
                group.addTask {
                    (index, Read(data: data, reading: reading, events: try await json.events(of: data, reading)))
                }
            }
            return try await group.reduce(into: []) { $0.append($1) }.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }
}

extension Bodies.ProfileExportRequest {
    /// - Throws: where it names what the caller does not know, or asks for what is not there.
    func selection(_ view: ProfileView) throws(OvationCore.Problem) -> ProfileSelection {
        guard segmentFilter == nil else { throw OvationCore.Problem.noSegments("segment_filter") }
        let named = try NamedFields(attributes: attributes, tags: tags, events: events, view)
        guard !named.attributes.isEmpty || !named.tags.isEmpty else {
            throw OvationCore.Problem(
                .validationFailed, "List at least one attribute or tag: 'attributes' or 'tags' says what the file has.")
        }
        var selection = ProfileSelection()
        selection.attributes = Set(named.attributes.map(\.number))
        selection.tags = Set(named.tags.map(\.number))
        selection.hasConsents = consents ?? false
        guard !named.eventTypes.isEmpty else { return selection }
        guard let startAt else {
            throw OvationCore.Problem(
                .validationFailed, "Events need 'start_at': the event time from which on they are given.")
        }
        selection.from = startAt
        selection.to = endAt ?? startAt.advanced(by: Limits.exportEventsTime)
        guard let to = selection.to, startAt < to else {
            throw OvationCore.Problem(.validationFailed, "'end_at' is after 'start_at'.")
        }
        selection.eventTypes = Dictionary(grouping: named.eventTypes, by: \.section)
        return selection
    }
}
