import HTTPTypes
import OvationCore

// Exports and reports that are made as files, beside the requests.
extension Endpoint {
    static let profileFiles: [Endpoint] = [
        createProfileExport, createSingleExport, getSingleExport, createConsentReport, createDuplicateReport,
        getJobFile,
    ]

    private static let fileDescription =
        "The answer says where the file is, for a day after it is made. Only what the API key may read is in it. An account has "
        + "three of a kind at once; one more is answered 429."

    private static let accepted = Answer.json(202, "Taken: the file is being made.", Bodies.NewFile.self)

    public static let createProfileExport = Endpoint(
        EndpointSpec(
            "createProfileExport", .post, "/audience/profiles/exports", .token, .profiles, "Export profiles and events",
            "A file of JSON: profiles by their export keys. " + fileDescription,
            parameters: [.ignorePermissionsInFile],
            body: .json(Bodies.ProfileExportRequest.self, "What the file has."), answers: [accepted], isPrivate: true))

    public static let createSingleExport = Endpoint(
        EndpointSpec(
            "createSingleExport", .post, "/audience/profiles/export-single/{export_key}", .token, .profiles,
            "Export all that is known of one profile",
            "A file of JSON. The server tells the callback where it is. " + fileDescription,
            parameters: [.ignorePermissionsInFile],
            body: .json(Bodies.SingleExportRequest.self, "Where to tell that the file is there."),
            answers: [.acceptedEmpty], isPrivate: true))

    public static let getSingleExport = Endpoint(
        EndpointSpec(
            "getSingleExport", .get, "/audience/profiles/export-single/accounts/{account}/definitions/{job}", .token,
            .profiles, "Download the export of one profile", "With the API key that asked for it, or an admin key.",
            parameters: [.metadata], answers: [.text("The file.", "application/json")], isPrivate: true))

    public static let createConsentReport = Endpoint(
        EndpointSpec(
            "createConsentReport", .post, "/audience/profiles/reports/consents", .token, .consents,
            "Report who may be written to",
            "A file of CSV: the export key of each profile, and its address where a consent to one of the topics lets it be "
                + "written to. " + fileDescription,
            parameters: [.ignorePermissionsInFile],
            body: .json(Bodies.ConsentReportRequest.self, "Topics, channels and columns."), answers: [accepted],
            isPrivate: true))

    public static let createDuplicateReport = Endpoint(
        EndpointSpec(
            "createDuplicateReport", .post, "/audience/profiles/reports/duplicates", .token, .profiles,
            "Report profiles that share the value of an attribute",
            "A file of CSV, in the order of the values. " + fileDescription,
            parameters: [.ignorePermissionsInFile],
            body: .json(Bodies.DuplicateReportRequest.self, "The attribute, and columns."), answers: [accepted],
            isPrivate: true))

    public static let getJobFile = Endpoint(
        EndpointSpec(
            "getJobFile", .get, "/audience/jobs/{job}/file", .token, .profiles, "Download the file that a job made",
            "404 until it is there, 410 a day later, and 503 where it could not be made. Profiles that were deleted or locked since "
                + "it was made are left out. Send `Accept-Encoding: gzip` for a compressed one. With the API key that asked for "
                + "it, or an admin key.",
            answers: [.text("The file.", "application/json", "text/csv")], isPrivate: true))
}

extension Parameter {
    fileprivate static let ignorePermissionsInFile = query(
        "ignore_keyspace_permissions",
        "Also attributes, tags and event types without read permission for the keyspace; for admin keys.", flag)
    fileprivate static let metadata = query(
        "metadata", "As the original has it; the file has descriptions where the request asked for them.", flag)
}
