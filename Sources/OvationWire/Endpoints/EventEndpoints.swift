import HTTPTypes
import OvationCore

extension Endpoint {
    static let events: [Endpoint] = [
        postEvents, listEvents, deleteEvents, deleteEvent, listEventDays, loadEvents, exportEvents,
    ]

    private static let place = "/audience/keyspaces/{keyspace}/profiles/{key}/sections/{section}"

    public static let postEvents = Endpoint(
        EndpointSpec(
            "postEvents", .post, place + "/events", .token, .events, "Post events to a profile",
            "All or nothing: after 204 every event is stored and can be read. The first event makes the profile.",
            parameters: [.prefer, .idempotencyKey], body: .json(Bodies.PostEvents.self, "The events."),
            answers: [.done, .json(207, "With Prefer: handling=lenient.", Bodies.PostEventsReport.self)],
            isPrivate: true))

    public static let listEvents = Endpoint(
        EndpointSpec(
            "listEvents", .get, place + "/events", .token, .events, "A profile's events, newest first",
            "In pages, which can end early. Event types, attributes and tags without read permission are left out.",
            parameters: [
                .eventDiscriminators, .from, .to, .includeChanges,
                .limit(Limits.pageSizeMax, default: Limits.pageSizeDefault), .cursor, .ignoreKeyspacePermissions,
            ], answers: [.ok(Bodies.EventPage.self)], isPrivate: true))

    public static let deleteEvents = Endpoint(
        EndpointSpec(
            "deleteEvents", .delete, place + "/events", .admin, .events, "Delete events of a profile",
            "Those that fit all filters; without a filter, all of the profile's events in the section.",
            parameters: [.eventDiscriminatorToDelete, .eventDiscriminators, .from, .to],
            answers: [.ok(Bodies.Deleted.self)], isPrivate: true))

    public static let deleteEvent = Endpoint(
        EndpointSpec(
            "deleteEvent", .delete, place + "/events/{id}", .admin, .events, "Delete one event",
            "Its id is never given to another.", answers: [.done], isPrivate: true))

    public static let listEventDays = Endpoint(
        EndpointSpec(
            "listEventDays", .get, place + "/days", .token, .events,
            "How many events of a profile fall on each day in UTC",
            "Oldest first, days without events left out; of more than \(Limits.daysMax) days, the newest.",
            parameters: [.eventDiscriminators, .from, .to, .ignoreKeyspacePermissions],
            answers: [.ok(Bodies.EventDays.self)], isPrivate: true))
}

// Of a whole section.
extension Endpoint {
    /// What a bulk upload takes and an export gives.
    private static let lines = "application/x-ndjson"

    public static let loadEvents = Endpoint(
        EndpointSpec(
            "loadEvents", .post, "/audience/sections/{section}/events/bulk", .token, .events,
            "Store events of many profiles, one JSON object a line, in a body of any size",
            "Good lines are stored, bad ones are reported by their number. An upload that broke off can be resumed, if "
                + "it is sent again with the same Idempotency-Key. A BulkLine says what a line is.",
            parameters: [.preferStrict, .bulkIdempotencyKey],
            body: RequestBody(
                size: .any,
                // The type of a file, since many a generator knows no type for lines of JSON. It is not looked at.
                content: [
                    (
                        "application/octet-stream",
                        Schema(
                            [
                                "type": "string", "format": "binary", "contentMediaType": .string(lines),
                                "description": "Lines of JSON (application/x-ndjson), each a BulkLine.",
                            ], example: "")
                    )
                ], isRequired: true, description: "Lines of JSON."),
            answers: [
                .json(
                    200,
                    "Done. With Accept: application/x-ndjson a line of progress for each chunk that is stored.",
                    Bodies.BulkSummary.self, orText: [lines])
            ], isPrivate: true, besides: [Bodies.BulkLine.self]))

    public static let exportEvents = Endpoint(
        EndpointSpec(
            "exportEvents", .get, "/audience/sections/{section}/events/export", .token, .events,
            "All events of a section in the order of their arrival, as NDJSON, CSV or Parquet",
            "An export that breaks off is cut off. It goes on behind an event with 'after'. An ExportLine says what a line is, "
                + "and an ExportedChange what that of a change is.",
            parameters: [
                .query(
                    "format", "Parquet has a column for each field, and needs exactly one event type.",
                    .words("ndjson", "csv", "parquet").with(default: "ndjson")),
                .eventDiscriminators, .from, .to,
                .query(
                    "include", "In NDJSON: 'changes' gives also what was changed of the profiles' attributes and tags.",
                    .words("changes")),
                .query(
                    "after", "Only events that arrived after the event with this id.",
                    .string(pattern: "^[1-9][0-9]{0,17}$", example: "17")),
                .query(
                    "through", "Only events up to the one with this id, and this one.",
                    .string(pattern: "^[1-9][0-9]{0,17}$", example: "23")),
                .query(
                    "bom", "In CSV: begin with a byte order mark, by which some spreadsheets know UTF-8.",
                    Parameter.flag),
                .query(
                    "formulas",
                    "In CSV: 'guard' writes an apostrophe before a text that a spreadsheet would calculate.",
                    .words("guard", "keep").with(default: "guard")),
                .query(
                    "summary", "A last line of JSON says how many events there were and how many were left out.",
                    Parameter.flag),
                .ignoreKeyspacePermissions,
            ],
            answers: [
                .text(
                    "Lines that a bulk upload takes, CSV, or a file of Parquet.", lines, "text/csv",
                    ExportKind.parquetMediaType)
            ], isPrivate: true,
            besides: [Bodies.ExportLine.self, Bodies.ExportedChange.self]))
}
