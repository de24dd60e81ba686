import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// What the endpoints share that have a file of profiles made.
struct ProfileFiles: Sendable {
    let store: any JobStore
    let directory: Directory
    let files: JobFiles
    let wake: JobSignal
    let basePath: BasePath

    /// - Throws: where the API key may read no keyspace.
    func requireReading(_ caller: Identity) throws(Problem) {
        guard caller.catalogue.keyspaces.contains(where: { caller.key.mayRead($0.discriminator) }) else {
            throw Problem(.keyspaceForbidden, "This API key may read no keyspace, so there is nothing to export.")
        }
    }

    /// Keeps a new job, which begins as soon as it can.
    /// - Parameters:
    ///   - section: number in the account; 0: all of them.
    ///   - profile: nil: all of them.
    func add(
        _ kind: Job.Kind, section: Int64 = 0, of profile: ProfileID? = nil, _ asked: JSONValue, _ caller: Identity,
        _ call: Call, url: (JobID) -> String
    ) async throws -> Job {
        var random = SystemRandomNumberGenerator()
        let id = JobID(using: &random)
        // Whether there is a folder at all.
        _ = try files.path(id, .result)
        let request = FileRequest(
            asked: asked, profile: profile, ignoresPermissions: try call.ignoresKeyspacePermissions(),
            url: call.request.baseURL + basePath.text + url(id))
        let job = Job(
            making: id, kind, account: caller.key.account, section: section, actor: caller.key.clientID,
            at: call.receivedAt, request: JSONWriter.write(request.json))
        try await requireRoom(of: caller.key.account, at: call.receivedAt)
        guard try await store.add(job, openMax: Limits.fileJobsOpenMax) else {
            throw Problem(
                .tooManyJobs,
                "The account has \(Limits.fileJobsOpenMax) exports or reports of this kind that have not ended. Wait until one "
                    + "ends, or cancel one.",
                retryAfterSeconds: 30)
        }
        wake.send()
        return job
    }

    /// Files are kept for a day, so one who asks again and again would fill the disk.
    private func requireRoom(of account: Int64, at now: Timestamp) async throws {
        var bytes: Int64 = 0
        var position: JobPosition?
        while true {
            let page = try await store.jobs(account: account, before: position, limit: Limits.jobsPageMax)
            for job in page {
                if let until = job.fileExpiresAt, now < until { bytes += job.place.reportBytes }
            }
            guard bytes < Limits.jobFilesBytesMax else {
                throw Problem(
                    .tooManyJobs,
                    "The files of the account that can still be fetched have more than \(Limits.jobFilesBytesMax >> 30) GiB. "
                        + "A file is kept for a day; ask again when the first of them has gone.",
                    retryAfterSeconds: 3600)
            }
            // A job that ended a day ago was asked for earlier still.
            guard page.count == Limits.jobsPageMax, let last = page.last else { return }
            position = last.position
        }
    }

    /// The same, answered with where its file will be.
    func answer(
        _ kind: Job.Kind, section: Int64 = 0, _ asked: JSONValue, _ caller: Identity, _ call: Call
    ) async throws -> BodyAnswer<Bodies.NewFile> {
        let job = try await add(kind, section: section, asked, caller, call) {
            Endpoint.getJobFile.path(["job": $0.text])
        }
        var body = Bodies.NewFile()
        body.fileDownloadURL = try FileRequest(job).url
        body.pollURL = body.fileDownloadURL
        body.jobID = job.id.text
        return BodyAnswer(body, status: .accepted)
    }
}

/// What a job that makes a file keeps of its request.
struct FileRequest: Sendable {
    /// The body.
    let asked: JSONValue
    /// nil: all of them.
    let profile: ProfileID?
    let ignoresPermissions: Bool
    /// Where the file is handed out.
    let url: String

    init(asked: JSONValue, profile: ProfileID?, ignoresPermissions: Bool, url: String) {
        self.asked = asked
        self.profile = profile
        self.ignoresPermissions = ignoresPermissions
        self.url = url
    }

    init(_ job: Job) throws(Problem) {
        let json = try JSONValue(parsing: job.request)
        // Without it, a callback would be told of no file.
        guard let url = json["url"]?.string else {
            throw Problem(.validationFailed, "What was asked for cannot be read; ask for it again.")
        }
        asked = json["asked"] ?? .null
        profile = json["export_key"]?.string.flatMap { ProfileID(hex: $0) }
        ignoresPermissions = json["ignores_permissions"]?.bool ?? false
        self.url = url
    }

    var json: JSONValue {
        .object([
            .init("asked", asked), .init("export_key", profile.map { .string($0.hex) } ?? .null),
            .init("ignores_permissions", .bool(ignoresPermissions)), .init("url", .string(url)),
        ])
    }
}

extension Problem {
    /// Of what a body names: a path that leads nowhere is another thing.
    static func ofBody<Value>(_ check: () throws(Problem) -> Value) throws(Problem) -> Value {
        do throws(Problem) {
            return try check()
        } catch {
            throw error.code.status == .notFound ? Problem(.validationFailed, error.detail) : error
        }
    }

    static func noSegments(_ member: String) -> Problem {
        Problem(.validationFailed, "There are no segments yet; leave out '\(member)'.")
    }
}
