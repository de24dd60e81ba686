import HTTPTypes
import OvationCore

extension Endpoint {
    static let rejections: [Endpoint] = [
        listRejections, listAllRejections, getRejection, replayRejection, dismissRejection, listRejectionCauses,
        getRejectionCause, replayRejectionCause, dismissRejectionCause,
    ]

    private static let path = "/audience/sections/{section}/rejections"

    private static let filters: [Parameter] =
        [.query("state", "Only open ones, or only replayed ones.", RejectionFilter.State.schema)] + codes + [
            .query("cause", "Only of this cause.", Bodies.RejectionCause.idSchema),
            .query(
                "q", "Only with this text in key, code, detail or body; for admin keys.", .string(example: "cups")),
            .limit(Limits.rejectionPageMax, default: 50),
            .query("before", "The next_before of the answer before.", id),
        ]

    private static let codes: [Parameter] = [
        .query("code", "Only with this problem code.", .string(example: "validation_failed")),
        .query("item_code", "Only with an error of this code.", .string(example: "wrong_type")),
        .oneEventDiscriminator,
    ]

    private static let id = Schema.string(pattern: "^[1-9][0-9]{0,17}$", example: "17")

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
            "Post a refused post again, unchanged or corrected",
            "All or nothing, with the present definitions. The refused post is closed in the same commit, so it cannot be "
                + "posted twice.",
            parameters: [.rejectionID, .preferValidateOnly],
            body: .json(
                Bodies.ReplayRequest.self, "What to post instead.", isRequired: false, size: .twoBodies),
            answers: [.done], isPrivate: true))

    public static let dismissRejection = Endpoint(
        EndpointSpec(
            "dismissRejection", .delete, path + "/{id}", .admin, .rejections, "Delete a refused post",
            "It is gone for good.", parameters: [.rejectionID], answers: [.done], isPrivate: true))
}

// Of one cause at once.
extension Endpoint {
    private static let causes = "/audience/rejections/causes"

    private static let through = Parameter.query(
        "through",
        "Only rejections up to this one; without it, up to the newest. The answer repeats it.", id)

    public static let listRejectionCauses = Endpoint(
        EndpointSpec(
            "listRejectionCauses", .get, causes, .admin, .rejections, "Open rejections by their cause",
            "A cause is section, codes, event type, place in the body and API key; those with the most rejections first.",
            parameters: [.inSection] + codes + [.limit(Limits.rejectionCausesMax, default: 50)],
            answers: [.ok(Bodies.RejectionCauses.self)], isPrivate: true))

    public static let getRejectionCause = Endpoint(
        EndpointSpec(
            "getRejectionCause", .get, causes + "/{cause}", .admin, .rejections,
            "How many rejections of one cause are open", "404 where there are none.",
            answers: [.ok(Bodies.RejectionCause.self)], isPrivate: true))

    public static let replayRejectionCause = Endpoint(
        EndpointSpec(
            "replayRejectionCause", .post, causes + "/{cause}/replay", .admin, .rejections,
            "Replay rejections of one cause, some at a time",
            "Unchanged, with the present definitions, the oldest first. Posts refused again stay. Continue with "
                + "'next_after' as 'after' until it is null. It may be repeated: no events are stored twice.",
            parameters: [
                .preferValidateOnly, .query("after", "The next_after of the answer before.", id), through,
            ], answers: [.ok(Bodies.ReplayReport.self)], isPrivate: true))

    public static let dismissRejectionCause = Endpoint(
        EndpointSpec(
            "dismissRejectionCause", .delete, causes + "/{cause}", .admin, .rejections,
            "Delete the open rejections of one cause, some at a time",
            "They are gone for good. Repeat it with the 'through' of the answer until none remain.",
            parameters: [.preferValidateOnlyToDelete, through], answers: [.ok(Bodies.Dismissed.self)], isPrivate: true))
}
