import Logging
import OvationCore
import OvationWire

/// Makes the file of `POST /audience/profiles/export-single/{export_key}`, and tells the callback of it.
struct SingleExport: Sendable {
    private let run: ProfileFileRun
    private let job: Job
    private let request: FileRequest
    private let asked: Bodies.SingleExportRequest

    init(_ run: ProfileFileRun, _ job: Job) throws(Problem) {
        self.run = run
        self.job = job
        request = try FileRequest(job)
        asked = try Bodies.SingleExportRequest(json: request.asked)
    }

    // MARK: The callback

    /// Nothing is made for somebody who does not listen.
    func verify(_ progress: inout FileProgress) async throws {
        try await tell(100, "Callback verified", &progress)
    }

    /// Before the job ends: after a crash it is told again rather than not at all.
    func announce(_ progress: inout FileProgress) async throws {
        try await tell(200, request.url, &progress)
    }

    private func tell(_ code: Int64, _ message: String, _ progress: inout FileProgress) async throws {
        guard let callbacks = run.callbacks else { throw Callbacks.notListed }
        var noted = progress
        defer { progress = noted }
        try await callbacks.tell(code, message, to: asked.callbackURL) {
            // No other server takes the job meanwhile.
            try await noted.note(bytes: noted.job.place.reportBytes)
        }
    }

    /// Once, and whether anybody listens or not.
    func tellFailure(_ failure: Job.Failure) async {
        try? await run.callbacks?.tell(500, failure.detail, to: asked.callbackURL, attempts: 1)
    }

    // MARK: The file

    func write(to output: inout ResultWriter, _ progress: inout FileProgress) async throws {
        let view = try run.view(job)
        guard let id = request.profile,
            let profile = try await run.store.profile(.id(id, account: job.account)),
            let reading = view.reading(profile),
            let data = try await run.store.data(
                of: reading.address(account: job.account), in: [0] + view.sections.map(\.number)),
            // The key may have been taken from the profile just now.
            data.profile.id == profile.id
        else { throw Problem(.profileNotFound, "There is no profile with this export key any more.") }
        var selection = ProfileSelection()
        selection.hasConsents = true
        selection.hasHistory = asked.includeAttributeHistory ?? false
        selection.eventTypes = Dictionary(grouping: view.caller.catalogue.eventTypes, by: \.section)
        let json = ProfileJSON(store: run.store, view: view, selection: selection, account: job.account)
        try await output.append(frame: Array("{\"profiles\":{".utf8))
        try await json.write(
            data, reading, json.events(of: data, reading), members: members(of: data.profile, reading), to: &output,
            &progress)
        let metadata = asked.includeTypeDefinitions ?? false ? self.metadata(view, reading) : nil
        try await output.append(frame: Array("}".utf8) + (metadata ?? []) + Array("}".utf8))
        progress.passed(1, to: nil)
    }

    private func members(of profile: Profile, _ reading: ProfileReading) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [
            .init(
                "keys",
                .array(
                    reading.keys.map {
                        .object([
                            .init("keyspace_discriminator", .string($0.keyspace.discriminator.text)),
                            .init("profile_key", .string($0.key.text)),
                        ])
                    }))
        ]
        if asked.includeMergedProfiles ?? false {
            members.append(.init("merged_profiles", .array(profile.members.dropFirst().map { .string($0.id.hex) })))
        }
        return members
    }

    /// The attributes and event types that the caller may read, as lists have them.
    private func metadata(_ view: ProfileView, _ reading: ProfileReading) -> [UInt8] {
        let catalogue = view.caller.catalogue
        let sections = view.sections.map { section -> JSONValue.Member in
            let attributes = catalogue.listedAttributes(in: section.discriminator).filter(reading.mayRead)
            let types = catalogue.listedEventTypes(in: section.discriminator).filter(reading.mayRead)
            return .init(
                section.discriminator.text,
                .object([
                    .init(
                        "attributes",
                        .object(
                            attributes.map {
                                .init($0.discriminator.text, Bodies.Attribute($0, keyspaces: nil).json)
                            })),
                    .init(
                        "events",
                        .object(
                            types.map {
                                .init($0.discriminator.text, Bodies.EventType($0, showsPermissions: false).json)
                            })),
                ]))
        }
        return Array(",\"metadata\":".utf8) + JSONWriter.write(.object([.init("sections", .object(sections))]))
    }
}
