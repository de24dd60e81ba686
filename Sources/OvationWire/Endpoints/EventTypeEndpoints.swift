import HTTPTypes

extension Endpoint {
    static let eventTypes: [Endpoint] = [
        listEventTypes, createEventType, getEventType, changeEventType, removeEventType, addVersion, publishVersion,
        deprecateVersion, discardVersion, getUsage,
    ]

    private static let path = "/audience/sections/{section}/events"

    public static let listEventTypes = Endpoint(
        EndpointSpec(
            "listEventTypes", .get, path, .token, .eventTypes, "List a section's event types",
            "In the order of their creation. An event type that has only drafts is left out.",
            parameters: [.includeKeyspacePermissions], answers: [.ok(Bodies.EventTypes.self), .unchanged]))

    public static let createEventType = Endpoint(
        EndpointSpec(
            "createEventType", .post, path, .admin, .eventTypes, "Create an event type with its first version",
            "A field 'source' of type string is added where there is none.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.EventTypeRequest.self, "The event type to make."),
            answers: [.created(Bodies.FullEventType.self), .checked(Bodies.FullEventType.self)]))

    public static let getEventType = Endpoint(
        EndpointSpec(
            "getEventType", .get, path + "/{event}", .token, .eventTypes, "One event type; drafts too for admins",
            "All of an event type: its category, permissions, versions and required fields.",
            answers: [.ok(Bodies.FullEventType.self), .unchanged]))

    public static let changeEventType = Endpoint(
        EndpointSpec(
            "changeEventType", .patch, path + "/{event}", .admin, .eventTypes,
            "Change an event type; other fields make a new version",
            "What is left out stays as it is. The same fields in another order make no version.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.EventTypeChange.self, "What to change."), answers: [.ok(Bodies.FullEventType.self)]))

    public static let removeEventType = Endpoint(
        EndpointSpec(
            "removeEventType", .delete, path + "/{event}", .admin, .eventTypes,
            "Hide an event type and refuse new events; stored ones stay readable",
            "Its discriminator and the ids of its versions are never used again.",
            parameters: [.preferValidateOnlyToChange], answers: [.done]))

    public static let addVersion = Endpoint(
        EndpointSpec(
            "addVersion", .post, path + "/{event}/versions", .admin, .eventTypes, "Add a version, or a draft of one",
            "A version takes over at once. A draft waits to be published, and takes events from admin keys alone.",
            parameters: [.preferValidateOnlyToChange],
            body: .json(Bodies.VersionRequest.self, "The version to add."),
            answers: [.created(Bodies.FullEventType.self), .checked(Bodies.FullEventType.self)]))

    public static let publishVersion = Endpoint(
        EndpointSpec(
            "publishVersion", .post, path + "/{event}/versions/{version}/publish", .admin, .eventTypes,
            "Publish a draft, or a deprecated version again",
            "It becomes the current version. A deprecated one is published again only with `If-Match`.",
            parameters: [.preferValidateOnlyToChange], answers: [.ok(Bodies.FullEventType.self)]))

    public static let deprecateVersion = Endpoint(
        EndpointSpec(
            "deprecateVersion", .post, path + "/{event}/versions/{version}/deprecate", .admin, .eventTypes,
            "Deprecate the current version without a new one",
            "Events can still be posted with it, by clients that know its id.",
            parameters: [.preferValidateOnlyToChange], answers: [.ok(Bodies.FullEventType.self)]))

    public static let discardVersion = Endpoint(
        EndpointSpec(
            "discardVersion", .delete, path + "/{event}/versions/{version}", .admin, .eventTypes, "Discard a draft",
            "Only a draft can be discarded. Its id is never used again.", parameters: [.preferValidateOnlyToChange],
            answers: [.done]))

    public static let getUsage = Endpoint(
        EndpointSpec(
            "getUsage", .get, "/audience/sections/{section}/usage", .token, .eventTypes,
            "How many events are stored of each version of a section",
            "Versions without events are left out. Drafts and removed event types are shown to admins.",
            answers: [.ok(Bodies.Usage.self)]))
}
