import HTTPTypes
import OvationCore

// Imports of profiles from files, and jobs.
extension Endpoint {
    static let imports: [Endpoint] = [
        createImport, createMergingImport, previewImport, uploadImportFile, getImport, getImportReport, listJobs,
        getJob, cancelJob,
    ]

    private static let importDescription =
        "The answer says where the file is posted, once and within the hour. Columns are named by the first row of the file: "
        + "UTF-8; commas, semicolons, tabs or pipes between fields. A row that is wrong is refused and reported, and the "
        + "others are stored. An account has three imports at once; one more is answered 429."

    public static let createImport = Endpoint(
        EndpointSpec(
            "createImport", .post, "/v2/audience/sections/{section}/imports", .token, .imports,
            "Import profiles from a file", importDescription, parameters: [.preferValidateOnly],
            body: .json(Bodies.ImportRequest.self, "What the columns mean."),
            answers: [.created(Bodies.NewImport.self), .checkedEmpty], isPrivate: true))

    public static let createMergingImport = Endpoint(
        EndpointSpec(
            "createMergingImport", .post, "/audience/sections/{section}/imports", .token, .imports,
            "Import profiles from a file, with keys of several keyspaces",
            "As the original's first version has it. The profiles of a row's keys become one. " + importDescription,
            parameters: [.preferValidateOnly],
            body: .json(Bodies.MergingImportRequest.self, "What the columns mean."),
            answers: [.created(Bodies.NewImport.self), .checkedEmpty], isPrivate: true))

    public static let previewImport = Endpoint(
        EndpointSpec(
            "previewImport", .post, "/audience/sections/{section}/imports/preview", .token, .imports,
            "What an import would do with the first rows of a file",
            "It stores nothing. A row is looked at by itself, as the profiles are now.",
            body: .json(Bodies.ImportPreviewRequest.self, "The beginning of the file, and what its columns mean."),
            answers: [.ok(Bodies.ImportPreview.self)], isPrivate: true))

    public static let uploadImportFile = Endpoint(
        EndpointSpec(
            "uploadImportFile", .post, "/audience/imports/{import_id}/file", .open, .imports,
            "Upload the file of an import",
            "A form of multipart/form-data: the members of file_upload_body as fields, then the file as `file`. It needs no "
                + "token, and works once.",
            body: .uploadForm, answers: [.done], isPrivate: true))

    public static let getImport = Endpoint(
        EndpointSpec(
            "getImport", .get, "/audience/sections/{section}/imports/{import_id}", .token, .imports,
            "How far an import is",
            "`result.status` is 'completed', 'error' or 'cancelled' when nothing more is done.",
            answers: [.ok(Bodies.Import.self)], isPrivate: true))

    public static let getImportReport = Endpoint(
        EndpointSpec(
            "getImportReport", .get, "/audience/sections/{section}/imports/{import_id}/report", .token, .imports,
            "The refused rows of an import",
            "The columns of the file, and the line, the column and the reason. Correct it, and send it as the file of another "
                + "import. It can be read while the import goes on.",
            answers: [.text("The rows.", "text/csv")], isPrivate: true))

    public static let listJobs = Endpoint(
        EndpointSpec(
            "listJobs", .get, "/audience/jobs", .admin, .imports, "The jobs of the account",
            "The newest first. A job can be read for seven days after its end.",
            parameters: [.limit(Limits.jobsPageMax, default: 50), .jobCursor], answers: [.ok(Bodies.Jobs.self)],
            isPrivate: true))

    public static let getJob = Endpoint(
        EndpointSpec(
            "getJob", .get, "/audience/jobs/{job}", .token, .imports, "How far a job is",
            "With the API key that asked for it, or an admin key.", answers: [.ok(Bodies.Job.self)], isPrivate: true))

    public static let cancelJob = Endpoint(
        EndpointSpec(
            "cancelJob", .delete, "/audience/jobs/{job}", .token, .imports, "Cancel a job",
            "What is done stays, and nothing more is done. With the API key that asked for it, or an admin key.",
            answers: [.done], isPrivate: true))
}

extension Parameter {
    static let jobCursor = query(
        "cursor", "The next_cursor of the page before.",
        .string(example: "jmib5x2c0.8e03978e-40d5-43e8-bc93-6894a57f9324"))
}

extension RequestBody {
    fileprivate static let uploadForm = RequestBody(
        size: .any,
        content: [
            (
                "multipart/form-data",
                Schema(
                    [
                        "type": "object", "required": .array(["upload_key", "file"]),
                        "properties": .object([
                            .init(
                                "upload_key",
                                .object([.init("type", "string"), .init("description", "Of file_upload_body.")])),
                            .init(
                                "file",
                                .object([
                                    .init("type", "string"), .init("format", "binary"),
                                    .init("description", "The file, as the last part of the form."),
                                ])),
                        ]),
                    ],
                    example: .object([
                        .init("upload_key", "c29ya3VpbmUtZXhhbXBsZS1rZXk"),
                        .init("file", "email\r\nsteve@apsis.com\r\n"),
                    ]))
            )
        ], isRequired: true, description: "The key and the file.")
}
