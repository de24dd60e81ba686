import OvationWire

/// What the OpenAPI document says of an endpoint beside its method and path. Names refer to `schemas.json`.
struct EndpointDocumentation {
    let tag: String
    let summary: String
    var query: [String] = []
    var request: String?
    var requestTypes = ["application/json"]
    var isRequestOptional = false
    let responses: [Response]

    struct Response {
        let status: Int
        let description: String
        var schema: String?
        /// Media types that the same can be had in beside JSON.
        var otherTypes: [String] = []
        /// Of an answer that is text and has no schema.
        var textType: String?
        /// Another type of text that it can be had in.
        var otherTextType: String?
    }

    static func ok(_ schema: String) -> Response { Response(status: 200, description: "Done.", schema: schema) }
    static func created(_ schema: String) -> Response { Response(status: 201, description: "Made.", schema: schema) }
    static let done = Response(status: 204, description: "Done; the answer is empty.")
    static let unchanged = Response(status: 304, description: "The entity tag still holds.")
}

extension Endpoint {
    var documentation: EndpointDocumentation {
        typealias Text = EndpointDocumentation
        return switch self {
        case .createToken:
            Text(
                tag: "Tokens", summary: "Exchange a client id and secret for an access token", request: "TokenRequest",
                requestTypes: ["application/json", "application/x-www-form-urlencoded"],
                responses: [Text.ok("Token")])
        case .listSigningKeys:
            Text(tag: "Tokens", summary: "Public keys that verify access tokens", responses: [Text.ok("KeySet")])
        case .listKeyspaces:
            Text(tag: "Keyspaces", summary: "List keyspaces", responses: [Text.ok("Keyspaces"), Text.unchanged])
        case .createKeyspace:
            Text(
                tag: "Keyspaces", summary: "Create a keyspace", request: "KeyspaceRequest",
                responses: [Text.created("Keyspace")])
        case .getKeyspace:
            Text(tag: "Keyspaces", summary: "One keyspace", responses: [Text.ok("Keyspace"), Text.unchanged])
        case .changeKeyspace:
            Text(
                tag: "Keyspaces", summary: "Change a keyspace's name or rights", request: "KeyspaceChange",
                responses: [Text.ok("Keyspace")])
        case .listSections:
            Text(tag: "Sections", summary: "List sections", responses: [Text.ok("Sections"), Text.unchanged])
        case .createSection:
            Text(
                tag: "Sections", summary: "Create a section", request: "SectionRequest",
                responses: [Text.created("Section")])
        case .getSection:
            Text(tag: "Sections", summary: "One section", responses: [Text.ok("Section"), Text.unchanged])
        case .changeSection:
            Text(
                tag: "Sections", summary: "Rename a section", request: "SectionChange", responses: [Text.ok("Section")])
        default: eventTypeDocumentation
        }
    }

    private var eventTypeDocumentation: EndpointDocumentation {
        typealias Text = EndpointDocumentation
        return switch self {
        case .listEventTypes:
            Text(
                tag: "Event types", summary: "List a section's event types", query: ["include_keyspace_permissions"],
                responses: [Text.ok("EventTypes"), Text.unchanged])
        case .createEventType:
            Text(
                tag: "Event types", summary: "Create an event type with its first version",
                request: "EventTypeRequest", responses: [Text.created("FullEventType")])
        case .getEventType:
            Text(
                tag: "Event types", summary: "One event type; drafts too for admins",
                responses: [Text.ok("FullEventType"), Text.unchanged])
        case .changeEventType:
            Text(
                tag: "Event types", summary: "Change an event type; other fields make a new version",
                request: "EventTypeChange", responses: [Text.ok("FullEventType")])
        case .removeEventType:
            Text(
                tag: "Event types", summary: "Hide an event type and refuse new events; stored ones stay readable",
                responses: [Text.done])
        case .addVersion:
            Text(
                tag: "Event types", summary: "Add a version, or a draft of one", request: "VersionRequest",
                responses: [Text.created("FullEventType")])
        case .publishVersion:
            Text(
                tag: "Event types", summary: "Publish a draft, or a deprecated version again",
                responses: [Text.ok("FullEventType")])
        case .deprecateVersion:
            Text(
                tag: "Event types", summary: "Deprecate the current version, and put no other in its place",
                responses: [Text.ok("FullEventType")])
        case .discardVersion: Text(tag: "Event types", summary: "Discard a draft", responses: [Text.done])
        case .getUsage:
            Text(
                tag: "Event types", summary: "How many events are stored of each version of a section",
                responses: [Text.ok("Usage")])
        case .exportModel:
            Text(
                tag: "Model", summary: "The whole data model; as YAML where Accept has 'yaml'",
                responses: [
                    .init(status: 200, description: "Done.", schema: "Model", otherTypes: ["application/yaml"]),
                    Text.unchanged,
                ])
        case .planModel:
            Text(
                tag: "Model", summary: "What applying a data model would change", request: "Model",
                responses: [Text.ok("ModelPlan")])
        case .applyModel:
            Text(
                tag: "Model", summary: "Apply a data model, all or nothing", request: "Model",
                responses: [Text.ok("ModelPlan")])
        case .listLog:
            Text(
                tag: "Model", summary: "Who changed what; newest first with 'before' or 'event_discriminator'",
                query: ["after", "log_before", "one_event_discriminator", "log_limit"], responses: [Text.ok("Log")])
        default: profileDocumentation
        }
    }

    private var profileDocumentation: EndpointDocumentation {
        typealias Text = EndpointDocumentation
        return switch self {
        case .postEvents:
            Text(
                tag: "Events", summary: "Post events to a profile",
                query: ["prefer", "idempotency_key"], request: "PostEvents",
                responses: [
                    Text.done,
                    .init(status: 207, description: "With Prefer: handling=lenient.", schema: "PostEventsReport"),
                ])
        case .listEvents:
            Text(
                tag: "Events", summary: "A profile's events, newest first",
                query: ["event_discriminators", "from", "to", "limit", "cursor", "ignore_keyspace_permissions"],
                responses: [Text.ok("EventPage")])
        case .deleteEvents:
            Text(
                tag: "Events", summary: "Delete events of a profile",
                query: ["event_discriminator", "event_discriminators", "from", "to"],
                responses: [Text.ok("Deleted")])
        case .deleteEvent: Text(tag: "Events", summary: "Delete one event", responses: [Text.done])
        case .listEventDays:
            Text(
                tag: "Events", summary: "How many events of a profile fall on each day in UTC",
                query: ["event_discriminators", "from", "to", "ignore_keyspace_permissions"],
                responses: [Text.ok("EventDays")])
        case .loadEvents:
            Text(
                tag: "Events", summary: "Store events of many profiles, one JSON object a line, in a body of any size",
                query: ["bulk_prefer", "bulk_idempotency_key"], request: "BulkEvents",
                requestTypes: ["application/x-ndjson"],
                responses: [
                    .init(
                        status: 200,
                        description:
                            "Done. With Accept: application/x-ndjson a line of progress for each chunk that is stored.",
                        schema: "BulkSummary", otherTextType: "application/x-ndjson")
                ])
        case .exportEvents:
            Text(
                tag: "Events", summary: "All events of a section in the order of their arrival, as NDJSON or CSV",
                query: [
                    "export_format", "event_discriminators", "from", "to", "export_after", "bom", "formulas",
                    "export_summary", "ignore_keyspace_permissions",
                ],
                responses: [
                    .init(
                        status: 200, description: "Lines that a bulk upload takes, or CSV.",
                        textType: "application/x-ndjson", otherTextType: "text/csv")
                ])
        case .getProfile:
            Text(
                tag: "Profiles", summary: "A profile's keys, and how many events of each type it has",
                query: ["ignore_keyspace_permissions"], responses: [Text.ok("ProfileWithCounts")])
        default: rejectionDocumentation
        }
    }

    private var rejectionDocumentation: EndpointDocumentation {
        typealias Text = EndpointDocumentation
        return switch self {
        case .findProfiles:
            Text(
                tag: "Profiles", summary: "Find profiles by a key or its beginning",
                query: ["searched_key", "in_keyspace", "exact", "search_limit"],
                responses: [Text.ok("ProfileMatches")])
        case .getProfileByID:
            Text(tag: "Profiles", summary: "A profile by its id", responses: [Text.ok("Profile")])
        case .listRejections:
            Text(
                tag: "Refused posts", summary: "List a section's refused posts, newest first",
                query: [
                    "rejection_state", "rejection_code", "rejection_item_code", "one_event_discriminator",
                    "rejection_cause", "rejection_text", "rejection_limit", "rejection_before",
                ],
                responses: [Text.ok("Rejections")])
        case .listAllRejections:
            Text(
                tag: "Refused posts", summary: "List the refused posts of all sections, newest first",
                query: [
                    "in_section", "rejection_state", "rejection_code", "rejection_item_code",
                    "one_event_discriminator", "rejection_cause", "rejection_text", "rejection_limit",
                    "rejection_before",
                ], responses: [Text.ok("Rejections")])
        case .getRejection:
            Text(
                tag: "Refused posts", summary: "One refused post with its body",
                responses: [Text.ok("RejectionWithBody")])
        case .replayRejection:
            Text(
                tag: "Refused posts", summary: "Post again what was refused, as it was or put right",
                query: ["prefer_validate_only"], request: "ReplayRequest", isRequestOptional: true,
                responses: [Text.done])
        case .dismissRejection: Text(tag: "Refused posts", summary: "Delete a refused post", responses: [Text.done])
        case .listRejectionCauses:
            Text(
                tag: "Refused posts", summary: "Open rejections by their cause",
                query: [
                    "in_section", "rejection_code", "rejection_item_code", "one_event_discriminator",
                    "rejection_limit",
                ], responses: [Text.ok("RejectionCauses")])
        case .getRejectionCause:
            Text(
                tag: "Refused posts", summary: "How many rejections of one cause are open",
                responses: [Text.ok("RejectionCause")])
        case .replayRejectionCause:
            Text(
                tag: "Refused posts", summary: "Replay rejections of one cause, some at a time",
                query: ["prefer_validate_only", "after_rejection", "through_rejection"],
                responses: [Text.ok("ReplayReport")])
        case .dismissRejectionCause:
            Text(
                tag: "Refused posts", summary: "Delete the open rejections of one cause, some at a time",
                query: ["prefer_validate_only", "through_rejection"], responses: [Text.ok("Dismissed")])
        case .streamLive:
            Text(
                tag: "Following along", summary: "What becomes of posts, while it happens",
                query: ["in_section", "outcome", "one_event_discriminator"],
                responses: [
                    .init(
                        status: 200,
                        description:
                            "Server-sent events without an end: 'post' has a LivePost, 'dropped' a LiveDropped.",
                        textType: "text/event-stream")
                ])
        case .getActivity:
            Text(
                tag: "Following along", summary: "The last sixty minutes, and the state of this process",
                responses: [Text.ok("Activity")])
        default: accountDocumentation
        }
    }

    private var accountDocumentation: EndpointDocumentation {
        typealias Text = EndpointDocumentation
        return switch self {
        case .listAPIKeys: Text(tag: "API keys", summary: "List API keys", responses: [Text.ok("APIKeys")])
        case .createAPIKey:
            Text(
                tag: "API keys", summary: "Create an API key; the answer alone shows its secret",
                request: "APIKeyRequest", responses: [Text.created("NewAPIKey")])
        case .rotateAPIKey:
            Text(
                tag: "API keys", summary: "Give an API key a new secret; the answer alone shows it",
                request: "RotateAPIKeyRequest", isRequestOptional: true, responses: [Text.ok("NewAPIKey")])
        case .revokeAPIKey: Text(tag: "API keys", summary: "Revoke an API key at once", responses: [Text.done])
        case .rotateSigningKey:
            Text(
                tag: "API keys", summary: "Sign tokens with a new key from now on",
                responses: [Text.created("SigningKey")])
        case .createConsoleLink:
            Text(
                tag: "API keys", summary: "A link that signs in to the console once",
                responses: [Text.created("ConsoleLink")])
        case .about: Text(tag: "Server", summary: "What this server is", responses: [Text.ok("About")])
        case .health: Text(tag: "Server", summary: "The process answers", responses: [Text.ok("Health")])
        case .ready: Text(tag: "Server", summary: "The store can be written and read", responses: [Text.ok("Ready")])
        case .metrics:
            Text(
                tag: "Server", summary: "Figures for Prometheus",
                responses: [.init(status: 200, description: "Text format 0.0.4.", textType: "text/plain")])
        case .openAPI: Text(tag: "Server", summary: "This document", responses: [Text.ok("OpenAPI")])
        default: preconditionFailure("\(self) has no documentation")
        }
    }
}
