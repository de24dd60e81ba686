import HTTPTypes
import OvationCore

extension Endpoint {
    static let rejections: [Endpoint] = [
        listRejections, listAllRejections, getRejection, replayRejection, discardRejection,
    ]

    private static let path = "/audience/sections/{section}/rejections"

    private static let filters: [Parameter] = [
        .query("state", "Only open ones, or only replayed ones.", RejectionFilter.State.schema),
        .query("code", "Only with this problem code.", .string(example: "validation_failed")),
        .query(
            "q", "Only with this text in key, code, detail or body; for admin keys.", .string(example: "cups")),
        .limit(Limits.rejectionPageMax, default: 50),
        .query(
            "before", "The next_before of the answer before.", .string(pattern: "^[1-9][0-9]{0,17}$", example: "17")),
    ]

    public static let listRejections = Endpoint(
        EndpointSpec(
            "listRejections", .get, path, .token, .rejections, "List a section's refused posts, newest first",
            "Admin keys also see the beginning of each body; integrations see what came through keyspaces that they may "
                + "read.",
            parameters: filters, answers: [.ok(Bodies.Rejections.self)], isPrivate: true))

    public static let listAllRejections = Endpoint(
        EndpointSpec(
            "listAllRejections", .get, "/audience/rejections", .admin, .rejections,
            "List the refused posts of all sections, newest first",
            "With the beginning of each body.", parameters: [.inSection] + filters,
            answers: [.ok(Bodies.Rejections.self)], isPrivate: true))

    public static let getRejection = Endpoint(
        EndpointSpec(
            "getRejection", .get, path + "/{id}", .admin, .rejections, "One refused post with its body",
            "A refused post is kept for seven days, unless configured otherwise.", parameters: [.rejectionID],
            answers: [.ok(Bodies.RejectionWithBody.self)], isPrivate: true))

    public static let replayRejection = Endpoint(
        EndpointSpec(
            "replayRejection", .post, path + "/{id}/replay", .admin, .rejections,
            "Post again what was refused, as it was or put right",
            "All or nothing, by the definitions of now. The refused post is closed in the same commit, so it cannot be "
                + "posted twice.",
            parameters: [.rejectionID, .preferValidateOnly],
            body: .json(
                Bodies.ReplayRequest.self, "What to post instead.", isRequired: false, size: .twoBodies),
            answers: [.done], isPrivate: true))

    public static let discardRejection = Endpoint(
        EndpointSpec(
            "discardRejection", .delete, path + "/{id}", .admin, .rejections, "Delete a refused post",
            "It is gone for good.", parameters: [.rejectionID], answers: [.done], isPrivate: true))
}
