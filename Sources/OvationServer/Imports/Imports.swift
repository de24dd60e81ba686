import Crypto
import HTTPTypes
import Hummingbird
import OvationCore
import OvationWire

/// What the endpoints of imports share.
struct Imports: Sendable {
    let store: any JobStore
    let directory: Directory
    let files: JobFiles
    let wake: JobSignal
    let basePath: BasePath

    /// Keeps a new import that waits for its file; or only checks it.
    /// - Parameter request: as JSON, from which ``ImportRun`` makes the mapping again.
    func add(
        _ mapping: ImportMapping, _ request: [UInt8], section: Section, _ caller: Identity, _ call: Call
    ) async throws -> BodyAnswer<Bodies.NewImport> {
        _ = try ImportPlan(mapping, in: section, for: caller)
        if call.isCheckOnly { return .empty([.preferenceApplied: "validate-only"]) }
        var random = SystemRandomNumberGenerator()
        let id = JobID(using: &random)
        // Whether there is a folder at all.
        _ = try files.path(id, .upload)
        let key = Imports.makeKey()
        let job = Job(
            id, .profileImport, account: caller.key.account, section: section.number, actor: caller.key.clientID,
            at: call.receivedAt, request: request, uploadHash: Imports.hash(key))
        guard try await store.add(job, openMax: Limits.importsOpenMax) else {
            throw Problem(
                .tooManyJobs,
                "The account has \(Limits.importsOpenMax) imports that have not ended. Wait until one ends, or cancel one.",
                retryAfterSeconds: 30)
        }
        var body = Bodies.NewImport()
        body.importID = id.text
        body.fileUploadURL =
            call.request.baseURL + basePath.text + Endpoint.uploadImportFile.path(["import_id": id.text])
        // Clients compare it as text with the time in this form.
        body.fileUploadURLExpiresAt = job.expiresAt.rfc3339.prefix(19) + "+00:00"
        body.fileUploadBody.uploadKey = key
        return BodyAnswer(body, status: .created)
    }

    private static func makeKey() -> String {
        (0..<4).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    }

    static func hash(_ key: String) -> [UInt8] { Array(SHA256.hash(data: Array(key.utf8))) }

    /// An import of a section that the caller may see. Its report has what others know of people, so it is for who asked for it,
    /// and for admins.
    func find(_ call: Call) async throws -> (job: Job, section: Section) {
        let caller = try call.caller()
        let section = try caller.section(call.path.section())
        guard let job = try await store.job(call.path.jobID("import_id"), account: caller.key.account),
            job.kind == .profileImport, job.section == section.number,
            caller.isAdmin || job.actor == caller.key.clientID
        else { throw Problem.noJob }
        return (job, section)
    }
}

extension Identity {
    /// - Throws: where the API key may write through no keyspace.
    func requireSomeKeyspace() throws(Problem) {
        guard mayWriteAnywhere else {
            throw Problem(.keyspaceForbidden, "This API key may write through no keyspace, so it has no imports.")
        }
    }
}

extension ImportPlan {
    /// - Throws: where the caller may not do all of it.
    init(_ mapping: ImportMapping, in section: Section, for caller: Identity) throws(Problem) {
        var keyspaces: [Keyspace] = []
        for key in mapping.keys {
            guard let discriminator = try? Discriminator<Keyspace>(key.keyspace) else {
                throw Problem(.keyspaceNotFound, "There is no keyspace \(key.keyspace.quoted).")
            }
            keyspaces.append(try caller.keyspaceForWriting(discriminator))
        }
        guard let first = keyspaces.first else {
            throw Problem(.validationFailed, "An import has a keyspace.")
        }
        func target(_ keyspace: Keyspace) -> ProfileTarget {
            ProfileTarget(
                catalogue: caller.account.catalogue, section: section, keyspace: keyspace, callerIsAdmin: caller.isAdmin
            )
        }
        // A row without the first key is written through another.
        for other in keyspaces.dropFirst() { _ = try ImportPlan(mapping, keyspaces: keyspaces, in: target(other)) }
        try self.init(mapping, keyspaces: keyspaces, in: target(first))
    }
}

extension Request {
    /// Where this server is reached, as the client wrote it.
    var baseURL: String {
        let isSecure = headers[HTTPField.Name("X-Forwarded-Proto")!] == "https"
        let host = head.authority ?? headers[HTTPField.Name("Host")!] ?? "127.0.0.1:8080"
        return (isSecure ? "https://" : "http://") + host
    }
}
